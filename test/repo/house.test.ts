import { describe, expect, it } from "bun:test";
import { existsSync } from "node:fs";
import { runCommand } from "#testing/run-command.ts";

/** The rules of the house that no linter knows. */
const root = new URL("../..", import.meta.url).pathname;

async function trackedFiles(): Promise<string[]> {
  const list = await runCommand(["git", "ls-files", "-co", "--exclude-standard"], { cwd: root });
  return list.stdout.split("\n").filter((path) => path !== "" && existsSync(root + path));
}

async function source(): Promise<{ path: string; text: string }[]> {
  const paths = (await trackedFiles()).filter(
    (path) => /^(src|test|bench|scripts|examples)\/.*\.(ts|mjs|js)$/.test(path) && !path.startsWith("src/gen/"),
  );
  return Promise.all(paths.map(async (path) => ({ path, text: await Bun.file(root + path).text() })));
}

describe("the house", () => {
  it("has no file so long that nobody reads it", async () => {
    const long = (await source()).filter((file) => file.text.split("\n").length > 400).map((file) => file.path);
    expect(long).toEqual([]);
  });

  it("names files in kebab-case", async () => {
    const odd = (await source())
      .map((file) => file.path.split("/").at(-1) ?? "")
      .filter((name) => !/^[a-z0-9-]+(\.[a-z]+)*$/.test(name));
    // Generated code keeps the name that its generator gives.
    expect(odd.filter((name) => !name.endsWith("_pb.ts"))).toEqual([]);
  });

  it("has no folder of leftovers", async () => {
    expect((await trackedFiles()).filter((path) => /\/(util|utils|helpers|common|misc)\//.test(path))).toEqual([]);
  });

  it("keeps no promise for later in a comment", async () => {
    const marks = (await source()).filter(
      (file) => !file.path.startsWith("test/repo/") && /\b(TODO|FIXME|XXX|HACK)\b/.test(file.text),
    );
    expect(marks.map((file) => file.path)).toEqual([]);
  });

  it("silences neither compiler nor linter without saying why", async () => {
    const silenced = (await source()).flatMap((file) =>
      [...file.text.matchAll(/^.*(oxlint-disable|@ts-ignore|@ts-nocheck).*$/gm)]
        .filter((match) => !/--\s+\S/.test(match[0]))
        .map((match) => `${file.path}: ${match[0].trim()}`),
    );
    expect(silenced.filter((each) => !each.startsWith("test/repo/"))).toEqual([]);
  });

  it("links only to pages that exist", async () => {
    const pages = (await trackedFiles()).filter((path) => path.endsWith(".md"));
    const broken: string[] = [];
    for (const page of pages) {
      const text = await Bun.file(root + page).text();
      for (const [, target = ""] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
        if (!existsSync(new URL(target, `file://${root}${page}`).pathname)) broken.push(`${page} → ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it("gives every dependency a line with its reason", async () => {
    const manifest = (await Bun.file(`${root}package.json`).json()) as Record<string, Record<string, string>>;
    const page = await Bun.file(`${root}DEPENDENCIES.md`).text();
    const names = [...Object.keys(manifest["dependencies"] ?? {}), ...Object.keys(manifest["devDependencies"] ?? {})];
    expect(names.filter((name) => !page.includes(name))).toEqual([]);
  });
});
