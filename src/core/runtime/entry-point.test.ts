import { describe, expect, it } from "bun:test";
import { chmod } from "node:fs/promises";
import { createTempFolder } from "#testing/temp-folder.ts";
import { findEntryPoint, type EntryPointOptions } from "./entry-point.ts";
import { toLaunchCommand } from "./launch-command.ts";

async function find(files: Record<string, string>, options: Partial<EntryPointOptions> = {}): Promise<string> {
  await using temp = await createTempFolder();
  for (const [name, text] of Object.entries(files)) await Bun.write(`${temp.path}/${name}`, text);
  if (files["run.sh"] !== undefined) await chmod(`${temp.path}/run.sh`, 0o700);
  const found = await findEntryPoint(temp.path, { path: "/usr/bin:/bin", ...options });
  const what = found.runner === "program" ? [found.program, ...found.args].join(" ") : found.file;
  return `${found.runner} ${what}`.replaceAll(temp.path, ".");
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

describe("toLaunchCommand()", () => {
  const machine = { bun: { path: "/opt/micro", env: { BUN_BE_BUN: "1" } }, path: "/nowhere" };

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
