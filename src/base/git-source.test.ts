import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "./error.ts";
import { isFullCommit, isGitRef, isShortCommit } from "./git-ref.ts";
import { nameOfGitSource, parseGitSource } from "./git-source.ts";

function placesOf(text: string): readonly (readonly [string, string])[] | undefined {
  return parseGitSource(text)?.places.map(({ url, folder }) => [url, folder] as const);
}

function refusalOf(text: string): MicroError | undefined {
  try {
    parseGitSource(text);
    return undefined;
  } catch (reason) {
    return MicroError.from(reason);
  }
}

describe("parseGitSource()", () => {
  it("reads host, owner, repository, folder and ref", () => {
    expect(parseGitSource("github.com/acme/services")).toEqual({
      protocol: "https",
      host: "github.com",
      places: [{ url: "https://github.com/acme/services", folder: "" }],
      ref: undefined,
      text: "github.com/acme/services",
    });
    expect(parseGitSource("github.com/acme/services/api/v2@feature/new-api")).toMatchObject({
      places: [{ url: "https://github.com/acme/services", folder: "api/v2" }],
      ref: "feature/new-api",
      text: "github.com/acme/services/api/v2",
    });
    expect(placesOf("Bitbucket.org/acme/services/api/")).toEqual([["https://bitbucket.org/acme/services", "api"]]);
  });

  it("gives every place that a repository may have where groups lie in groups", () => {
    expect(placesOf("gitlab.com/group/sub/repo/svc@v1")).toEqual([
      ["https://gitlab.com/group/sub", "repo/svc"],
      ["https://gitlab.com/group/sub/repo", "svc"],
      ["https://gitlab.com/group/sub/repo/svc", ""],
    ]);
    expect(placesOf("git.example.com:8443/a/b")).toEqual([["https://git.example.com:8443/a/b", ""]]);
  });

  it("takes the repository from a mark where there is one", () => {
    expect(placesOf("gitlab.com/group/sub/repo.git/svc")).toEqual([["https://gitlab.com/group/sub/repo.git", "svc"]]);
    expect(placesOf("gitlab.com/group/sub/repo//svc/a")).toEqual([["https://gitlab.com/group/sub/repo", "svc/a"]]);
    expect(placesOf("github.com/acme/services.git/api")).toEqual([["https://github.com/acme/services.git", "api"]]);
    expect(placesOf("example.com/repo.git")).toEqual([["https://example.com/repo.git", ""]]);
  });

  it("reads every URL of git", () => {
    expect(placesOf("https://git.example.com/a/b/c//svc@main")).toEqual([["https://git.example.com/a/b/c", "svc"]]);
    expect(placesOf("https://github.com/acme/services/api")).toEqual([["https://github.com/acme/services", "api"]]);
    expect(placesOf("ssh://git@host:2222/srv/x.git/svc")).toEqual([["ssh://git@host:2222/srv/x.git", "svc"]]);
    expect(placesOf("git@github.com:acme/services/api@v1")).toEqual([["git@github.com:acme/services", "api"]]);
    expect(placesOf("git@host:team/x.git")).toEqual([["git@host:team/x.git", ""]]);
    expect(placesOf("git@host:/srv/x.git/svc")).toEqual([["git@host:/srv/x.git", "svc"]]);
    expect(placesOf("git://localhost:9418/x.git/svc")).toEqual([["git://localhost:9418/x.git", "svc"]]);
    expect(placesOf("file:///srv/git/x//svc")).toEqual([["file:///srv/git/x", "svc"]]);
    expect(parseGitSource("file:///srv/git/x.git@release/1.x")).toMatchObject({ host: "", ref: "release/1.x" });
    expect(placesOf("http://[::1]:80/x.git")).toEqual([["http://[::1]:80/x.git", ""]]);
  });

  it("tells the @ of a ref from the @ of a name", () => {
    expect(parseGitSource("github.com/o/r/packages/@acme/api")).toMatchObject({ ref: undefined });
    expect(parseGitSource("github.com/o/r/packages/@acme/api@v1")).toMatchObject({ ref: "v1" });
    expect(parseGitSource("github.com/o/r@@acme/api@1.2.0")).toMatchObject({ ref: "@acme/api@1.2.0" });
  });

  it("leaves paths and bare names to others", () => {
    for (const text of [
      "",
      "ext::sh -c x",
      "ext::https://h/x",
      ".",
      "..",
      "./a",
      "../a/b",
      "/srv/x",
      "name",
      "name/sub",
      "name@v1",
      "a b",
      "C:\\x",
    ]) {
      expect(parseGitSource(text)).toBe(undefined);
    }
  });

  it("refuses what has the form and is wrong, in one line that names no password", () => {
    const wrong = [
      "github.com/acme",
      "github.com/",
      "gitlab.com/acme",
      "github.com/acme/services@",
      "github.com/acme/services@-x",
      "github.com/acme/services@a..b",
      "github.com/acme/../x",
      "github.com/acme//",
      "github.com/acme/-x",
      "github.com/a b/c",
      "https://user:secret@github.com/acme/services",
      "https://-host/x.git",
      "https:///x.git",
      "ssh://-oProxyCommand=x/y",
      "git@host:-x",
      "ext://x/y",
      "ftp://host/x",
      "ftp://user:secret@host/x",
      "file://host/x",
      "https://host/x.git?a=b",
      "https://github.com/acme/services/tree/main/api",
    ];
    for (const text of wrong) {
      const refusal = refusalOf(text);
      expect({ text, code: refusal?.code }).toEqual({ text, code: "invalid_argument" });
      expect(refusal?.detail).not.toMatch(/secret|\n/);
    }
  });

  it("gives back what it is built from", () => {
    const name = fc
      .stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}[A-Za-z0-9_]$/)
      .filter((each) => !each.endsWith(".git") && each !== "tree" && each !== "blob");
    const ref = fc
      .array(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}[A-Za-z0-9_]$/), { minLength: 1, maxLength: 3 })
      .map((parts) => parts.join("/"))
      .filter(isGitRef);
    const parts = fc.record({
      owner: name,
      repo: name,
      folder: fc.array(name, { maxLength: 3 }),
      ref: fc.option(ref, { nil: undefined }),
    });
    fc.assert(
      fc.property(parts, ({ owner, repo, folder, ref }) => {
        const tail = `${folder.map((each) => `/${each}`).join("")}${ref === undefined ? "" : `@${ref}`}`;
        const inside = folder.join("/");
        const repository = `${owner}/${repo}`;
        for (const [text, url] of [
          [`github.com/${repository}${tail}`, `https://github.com/${repository}`],
          [`https://bitbucket.org/${repository}${tail}`, `https://bitbucket.org/${repository}`],
          [`gitlab.com/${repository}.git${tail}`, `https://gitlab.com/${repository}.git`],
          [`git@host:${repository}.git${tail}`, `git@host:${repository}.git`],
          [`ssh://me@host:22/${repository}.git${tail}`, `ssh://me@host:22/${repository}.git`],
        ] as const) {
          const parsed = parseGitSource(text);
          expect(parsed?.places).toEqual([{ url, folder: inside }]);
          expect(parsed?.ref).toBe(ref);
          // Where what was read is read again, it means the same.
          expect(parsed === undefined ? [] : parseGitSource(parsed.text)?.places).toEqual(parsed?.places);
        }
      }),
    );
  });

  it("never gives what git could take for an option or another protocol, whatever the text", () => {
    const piece = fc.constantFrom(
      "github.com",
      "/",
      "//",
      ":",
      "@",
      "git@",
      "https://",
      "ext::",
      "file:///",
      ".git",
      "..",
      "-",
      "a",
      "b.c",
      "%",
      "\n",
      " ",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 9 }).map((each) => each.join("")),
        ),
        (text) => {
          let parsed: ReturnType<typeof parseGitSource>;
          try {
            parsed = parseGitSource(text);
          } catch (reason) {
            expect(MicroError.is(reason)).toBe(true);
            return;
          }
          for (const { url, folder } of parsed?.places ?? []) {
            expect(url).toMatch(/^(?:https?|ssh|git|file):\/\/|^\w[\w.-]*@[a-z0-9]/);
            // A colon ends the host of git@host:path alone; in a URL it may stand in any name.
            expect(url).not.toMatch(/^[\w.-]*::|\s|\/-|^[^/:]*:-/);
            expect(folder.split("/")).not.toContain("..");
            expect(folder).not.toMatch(/^-|^\//);
          }
          if (parsed?.ref !== undefined) expect(isGitRef(parsed.ref)).toBe(true);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

describe("nameOfGitSource()", () => {
  it("is the last name", () => {
    for (const [text, name] of [
      ["github.com/o/r@v1", "r"],
      ["github.com/o/r/svc/", "svc"],
      ["git@host:x.git", "x"],
      ["https://host/a/x.git//svc@v", "svc"],
    ] as const) {
      const parsed = parseGitSource(text);
      expect(parsed === undefined ? "" : nameOfGitSource(parsed)).toBe(name);
    }
  });
});

describe("isGitRef()", () => {
  it("takes what git takes", () => {
    for (const ref of ["main", "feature/a-b", "v1.0.0", "@acme/x@1.0", "a@b"]) expect(isGitRef(ref)).toBe(true);
    for (const ref of [
      "",
      "@",
      "-x",
      "a b",
      "a..b",
      "a~1",
      "a^",
      "a:b",
      "x.lock",
      "a//b",
      "/a",
      "a/",
      ".a",
      "a/.b",
      "a.",
      "a@{1}",
      "a\nb",
    ]) {
      expect({ ref, isRef: isGitRef(ref) }).toEqual({ ref, isRef: false });
    }
  });

  it("tells commits", () => {
    expect(isFullCommit("a".repeat(40))).toBe(true);
    expect(isShortCommit("abcdef1")).toBe(true);
    expect(isShortCommit("abcdef")).toBe(false);
    expect(isShortCommit("a".repeat(40))).toBe(false);
  });
});
