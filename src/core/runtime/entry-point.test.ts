import { describe, expect, it } from "bun:test";
import { chmod } from "node:fs/promises";
import { createTempFolder } from "#testing/temp-folder.ts";
import { findEntryPoint, type EntryPoint, type EntryPointOptions } from "./entry-point.ts";
import { toLaunchCommand } from "./launch-command.ts";

async function find(files: Record<string, string>, options: Partial<EntryPointOptions> = {}): Promise<string> {
  await using temp = await createTempFolder();
  for (const [name, text] of Object.entries(files)) await Bun.write(`${temp.path}/${name}`, text);
  if (files["run.sh"] !== undefined) await chmod(`${temp.path}/run.sh`, 0o700);
  const found = await findEntryPoint(temp.path, { path: "/usr/bin:/bin", ...options });
  const what = textOf(found);
  return `${found.runner} ${what}`.replaceAll(temp.path, ".");
}

function textOf(found: EntryPoint): string {
  if (found.runner === "program") return [found.program, ...found.args].join(" ");
  if (found.runner === "go") return `${found.package.module} ${found.package.path}`;
  if (found.runner === "python") return "file" in found.entry ? found.entry.file : found.entry.script;
  return found.file;
}

describe("findEntryPoint()", () => {
  it("takes the usual files, index before main before service before src", async () => {
    expect(await find({ "index.ts": "", "main.ts": "" })).toBe("bun ./index.ts");
    expect(await find({ "main.ts": "", "service.ts": "" })).toBe("bun ./main.ts");
    expect(await find({ "service.js": "", "src/index.ts": "" })).toBe("bun ./service.js");
    expect(await find({ "src/index.ts": "" })).toBe("bun ./src/index.ts");
    expect(await find({ "index.mjs": "" })).toBe("bun ./index.mjs");
  });

  it("takes the only file of code, beside tests, declarations and settings", async () => {
    const files = { "greeter.ts": "", "greeter.test.ts": "", "types.d.ts": "", "vite.config.ts": "", "README.md": "" };
    expect(await find(files)).toBe("bun ./greeter.ts");
  });

  it("takes what package.json names: micro, then module, then main where they exist", async () => {
    const files = { "a.ts": "", "b.ts": "", "index.ts": "" };
    const manifest = (fields: object): Record<string, string> => ({ ...files, "package.json": JSON.stringify(fields) });
    expect(await find(manifest({ micro: "a.ts", main: "b.ts" }))).toBe("bun ./a.ts");
    expect(await find(manifest({ module: "./b.ts", main: "a.ts" }))).toBe("bun ./b.ts");
    expect(await find(manifest({ main: "dist/index.js" }))).toBe("bun ./index.ts");
    await expect(find(manifest({ micro: "missing.ts" }))).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(find(manifest({ micro: "../../up.ts" }))).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("runs JavaScript on Node when package.json asks for Node and not for Bun", async () => {
    const on = (engines: object, name = "index.js"): Promise<string> =>
      find({ [name]: "", "package.json": JSON.stringify({ engines }) });
    expect(await on({ node: ">=20" })).toBe("node ./index.js");
    expect(await on({ node: ">=20", bun: ">=1" })).toBe("bun ./index.js");
    expect(await on({ node: ">=20" }, "index.ts")).toBe("bun ./index.ts");
    expect(await on({})).toBe("bun ./index.js");
  });

  it("takes the file or folder that is named", async () => {
    const files = { "services/a/index.ts": "", "services/b.ts": "", "index.ts": "" };
    expect(await find(files, { entrypoint: "services/a" })).toBe("bun ./services/a/index.ts");
    expect(await find(files, { entrypoint: "services/b.ts" })).toBe("bun ./services/b.ts");
    await expect(find(files, { entrypoint: "services/c" })).rejects.toMatchObject({
      message: "the source holds no services/c",
    });
    await expect(find(files, { entrypoint: "../.." })).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("takes a command from the source, then from PATH", async () => {
    expect(await find({ "run.sh": "" }, { command: ["run.sh", "-v"] })).toBe("program ./run.sh -v");
    expect(await find({ "a.txt": "" }, { command: ["sh"] })).toMatch(/^program \/(usr\/)?bin\/sh$/);
    await expect(find({ "a.txt": "" }, { command: ["a.txt"] })).rejects.toMatchObject({
      message: expect.stringContaining("chmod +x"),
    });
    await expect(find({}, { command: ["no-such-program"] })).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("says what it expects when there is nothing to run, or a choice", async () => {
    const expected = {
      code: "invalid_argument",
      message: expect.stringMatching(/^no entry point in the source: expected index\.ts/),
    };
    await expect(find({ "README.md": "" })).rejects.toMatchObject(expected);
    await expect(find({ "a.ts": "", "b.ts": "" })).rejects.toMatchObject(expected);
    await expect(find({ "package.json": "{" })).rejects.toMatchObject({
      message: "package.json of the source is not JSON",
    });
  });
});

describe("findEntryPoint() beyond JavaScript", () => {
  const goMod = { "go.mod": "module example.com/a\n" };

  it("takes the main package of a Go module, its own or below cmd", async () => {
    const main = "package main\n";
    expect(await find({ ...goMod, "main.go": main, "index.ts": "" })).toBe("go . .");
    expect(await find({ ...goMod, "a.go": "package a\n", "cmd/one/main.go": main })).toBe("go . ./cmd/one");
    const several = { ...goMod, "cmd/one/main.go": main, "cmd/two/x.go": main };
    expect(await find(several, { name: "two" })).toBe("go . ./cmd/two");
    expect(await find(several, { entrypoint: "cmd/one" })).toBe("go . ./cmd/one");
    await expect(find(several)).rejects.toThrow(/cmd holds several programs: one, two/);
    await expect(find(goMod)).rejects.toThrow(/no package main/);
  });

  it("takes a usual Python file, what pyproject.toml names, or the only one", async () => {
    expect(await find({ "app.py": "", "tool.js": "" })).toBe("python ./app.py");
    expect(await find({ "main.py": "", "app.py": "" })).toBe("python ./main.py");
    expect(await find({ "worker.py": "", "test_worker.py": "" })).toBe("python ./worker.py");
    const scripts = '[project.scripts]\nserve = "a:b"\n';
    expect(await find({ "pyproject.toml": scripts })).toBe("python serve");
    await expect(find({ "pyproject.toml": `${scripts}other = "a:c"\n` })).rejects.toThrow(
      /several programs: serve, other/,
    );
    await expect(find({ "pyproject.toml": "[" })).rejects.toThrow(/not TOML/);
  });

  it("looks only for the language that is named", async () => {
    const files = { ...goMod, "main.go": "package main\n", "index.ts": "", "main.py": "" };
    expect(await find(files, { language: "javascript" })).toBe("bun ./index.ts");
    expect(await find(files, { language: "python" })).toBe("python ./main.py");
    expect(await find(files, { entrypoint: "main.py" })).toBe("python ./main.py");
  });

  it("runs JavaScript on what is asked for, and refuses TypeScript on Node", async () => {
    expect(await find({ "index.js": "" }, { runner: "node" })).toBe("node ./index.js");
    expect(await find({ "index.js": "", "package.json": '{"engines":{"node":"20"}}' }, { runner: "bun" })).toBe(
      "bun ./index.js",
    );
    await expect(find({ "index.ts": "" }, { runner: "node" })).rejects.toThrow(/TypeScript/);
  });
});

describe("toLaunchCommand()", () => {
  const machine = { bun: { path: "/opt/micro", env: { BUN_BE_BUN: "1" } }, path: "/nowhere", root: "/s" };

  it("runs Bun without installing what an import names", () => {
    const entry = { runner: "bun", folder: "/s", file: "/s/index.ts" } as const;
    expect(toLaunchCommand(entry, ["-v"], machine)).toEqual({
      argv: ["/opt/micro", "--no-install", "/s/index.ts", "-v"],
      folder: "/s",
      env: { BUN_BE_BUN: "1" },
      takesAddress: true,
    });
  });

  it("gives a program its arguments and no address", () => {
    const entry = { runner: "program", folder: "/s", program: "/bin/go", args: ["run"] } as const;
    expect(toLaunchCommand(entry, ["."], machine)).toMatchObject({
      argv: ["/bin/go", "run", "."],
      takesAddress: false,
    });
  });

  it("says that Node is missing", () => {
    const entry = { runner: "node", folder: "/s", file: "/s/index.js" } as const;
    expect(() => toLaunchCommand(entry, [], machine)).toThrow(/asks for Node/);
  });
});
