import { describe, expect, it } from "bun:test";
import { resolve } from "node:path";
import { chmod, mkdir, symlink } from "node:fs/promises";
import fc from "fast-check";
import { baseEnvironment, runCommand } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { checkEntry } from "./check-entry.ts";
import { collectSource } from "./collect-source.ts";
import { packSource } from "./pack-source.ts";
import { chooseSource, type SourceSettings } from "./choose-source.ts";

async function pack(folder: string): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(packSource(await collectSource(folder))));
}

async function pathsOf(folder: string): Promise<string[]> {
  return (await collectSource(folder)).map(({ path }) => path);
}

describe("collectSource()", () => {
  it("leaves out node_modules and .git, and takes the content behind links", async () => {
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/index.ts`, "1");
    await Bun.write(`${folder.path}/src/deep/a.ts`, "2");
    await Bun.write(`${folder.path}/node_modules/x/index.js`, "3");
    await Bun.write(`${folder.path}/src/node_modules/y.js`, "4");
    await symlink("index.ts", `${folder.path}/link.ts`);
    await symlink("/tmp", `${folder.path}/elsewhere`);
    await symlink("nowhere", `${folder.path}/dangling`);
    expect(await pathsOf(folder.path)).toEqual(["index.ts", "link.ts", "src/deep/a.ts"]);
  });

  it("leaves out what git ignores, in a repository and below one", async () => {
    await using folder = await createTempFolder();
    await runCommand(["git", "init", "-q", folder.path]);
    await Bun.write(`${folder.path}/.gitignore`, "dist/\n*.log\n");
    await Bun.write(`${folder.path}/svc/index.ts`, "1");
    await Bun.write(`${folder.path}/svc/dist/out.js`, "2");
    await Bun.write(`${folder.path}/svc/a.log`, "3");
    await Bun.write(`${folder.path}/svc/ü b.txt`, "4");
    expect(await pathsOf(`${folder.path}/svc`)).toEqual(["index.ts", "ü b.txt"]);
    expect(await pathsOf(folder.path)).toEqual([".gitignore", "svc/index.ts", "svc/ü b.txt"]);
  });

  it("says what is wrong with a folder", async () => {
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/file`, "1");
    await mkdir(`${folder.path}/empty`);
    await expect(collectSource(`${folder.path}/nope`)).rejects.toThrow("does not exist");
    await expect(collectSource(`${folder.path}/file`)).rejects.toThrow("is not a folder");
    await expect(collectSource(`${folder.path}/empty`)).rejects.toThrow("is empty");
  });
});

describe("packSource()", () => {
  it("makes an archive that tar unpacks to the same files", async () => {
    await using folder = await createTempFolder();
    const long = `${"long-folder-name/".repeat(12)}ü-${"x".repeat(120)}.ts`;
    await Bun.write(`${folder.path}/in/index.ts`, "hello");
    await Bun.write(`${folder.path}/in/empty`, "");
    await Bun.write(`${folder.path}/in/run.sh`, "#!/bin/sh\n");
    await chmod(`${folder.path}/in/run.sh`, 0o755);
    await Bun.write(`${folder.path}/in/${long}`, "long");
    await Bun.write(`${folder.path}/in/big.bin`, new Uint8Array(1_000_000).fill(7));
    await Bun.write(`${folder.path}/a.tar`, await pack(`${folder.path}/in`));
    await mkdir(`${folder.path}/out`);
    const untar = await runCommand(["tar", "-xf", "a.tar", "-C", "out"], { cwd: folder.path });
    expect(untar).toMatchObject({ code: 0, stderr: "" });
    expect(await runCommand(["diff", "-r", "in", "out"], { cwd: folder.path })).toMatchObject({ code: 0 });
    expect((await runCommand(["test", "-x", "out/run.sh"], { cwd: folder.path })).code).toBe(0);
    expect((await runCommand(["test", "-x", "out/index.ts"], { cwd: folder.path })).code).toBe(1);
  });

  it("gives the same archive for the same files, whatever their times", async () => {
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/a.ts`, "1");
    await Bun.write(`${folder.path}/b.ts`, "2");
    const first = await pack(folder.path);
    await runCommand(["touch", "-d", "2001-01-01", `${folder.path}/a.ts`]);
    expect(Buffer.compare(await pack(folder.path), first)).toBe(0);
  });

  it("keeps any path that a file can have", async () => {
    await using folder = await createTempFolder();
    // A file name has 255 bytes at most; two are put together so that paths pass the 100 bytes of a plain header.
    const name = fc.stringMatching(/^[a-zA-Z0-9ü€ _.=-]{1,80}$/).filter((text) => !/^\.*$/.test(text));
    await fc.assert(
      fc.asyncProperty(name, name, async (first, second) => {
        await using each = await createTempFolder();
        await Bun.write(`${each.path}/d-${first}/${second}`, "x");
        await Bun.write(`${folder.path}/b.tar`, await pack(each.path));
        const env = { ...baseEnvironment(), LC_ALL: "C.UTF-8" };
        const listed = await runCommand(["tar", "-tf", `${folder.path}/b.tar`, "--quoting-style=literal"], { env });
        expect(listed.stdout).toBe(`d-${first}/${second}\n`);
      }),
      { numRuns: 25 },
    );
  });
});

describe("checkEntry()", () => {
  it("refuses a folder without code", () => {
    const file = { absolutePath: "/x/README.md", sizeBytes: 1, isExecutable: false };
    expect(() => checkEntry("/x", [{ ...file, path: "README.md" }])).toThrow("no TypeScript, JavaScript, Go or Python");
    for (const path of ["src/main.mjs", "main.go", "app.py", "micro.json"]) checkEntry("/x", [{ ...file, path }]);
  });
});

describe("chooseSource()", () => {
  const settings = (values: Readonly<Record<string, string>>): SourceSettings => ({
    config: { get: (key: string) => values[key] } as SourceSettings["config"],
    environment: { name: "prod" } as SourceSettings["environment"],
  });

  it("takes what is there for a folder, and what is written as a path", async () => {
    expect(chooseSource("src", settings({}))).toEqual({ kind: "folder", folder: resolve("src") });
    expect(chooseSource("./github.com/a/b", settings({}))).toMatchObject({ kind: "folder" });
    expect(chooseSource("/nowhere", settings({}))).toMatchObject({ kind: "folder" });
  });

  it("takes repositories, and bare names behind the base URL", () => {
    expect(chooseSource("github.com/acme/services/api@v1", settings({}))).toEqual({
      kind: "git",
      text: "github.com/acme/services/api@v1",
      name: "api",
    });
    const token = {
      "git.credentials.github": "t1",
      "git.credentials.url": "https://git.example.com/",
      "git.credentials.token": "t2",
    };
    expect(chooseSource("github.com/acme/services", settings(token))).toMatchObject({ credential: "t1" });
    expect(chooseSource("git@github.com:acme/services", settings(token))).not.toHaveProperty("credential");
    expect(chooseSource("git.example.com/acme/services", settings(token))).toMatchObject({ credential: "t2" });
    expect(chooseSource("other.example.com/acme/services", settings(token))).not.toHaveProperty("credential");
    const base = { "git.baseurl": "github.com/acme/services" };
    expect(chooseSource("api@v1", settings(base))).toMatchObject({ text: "github.com/acme/services/api@v1" });
    const both = { ...base, "git.prod.baseurl": "ssh://git@host/x.git/" };
    expect(chooseSource("api", settings(both))).toMatchObject({ text: "ssh://git@host/x.git/api" });
  });

  it("says what is wrong", () => {
    expect(() => chooseSource("nowhere", settings({}))).toThrow("does not exist; a repository is host/owner/repo");
    expect(() => chooseSource("github.com/acme", settings({}))).toThrow("it names no repository");
    expect(() => chooseSource("api", settings({ "git.baseurl": "nonsense" }))).toThrow("git.baseurl is nonsense");
  });
});
