import { describe, expect, it } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { buildSdk } from "../../scripts/build-sdk.ts";

const script = `
import { service, z, errors } from "micro-ts";
import { implement, createProtoClient } from "micro-ts/proto";
import { createClient } from "micro-ts/client";
import { MicroError } from "micro-ts/errors";
const each = [service, z.object, errors.notFound, implement, createProtoClient, createClient, MicroError];
console.log(each.map((value) => typeof value).join());
`;

describe("buildSdk()", () => {
  it.each([
    ["Node", "node"],
    ["Bun", process.execPath],
  ])("gives a package that needs nothing beside itself on %s", async (_name, program) => {
    await using folder = await createTempFolder();
    await buildSdk(join(folder.path, "node_modules/micro-ts"));
    await writeFile(join(folder.path, "package.json"), '{"type": "module"}');
    await writeFile(join(folder.path, "main.js"), script);
    const command = program === "node" ? [program, "main.js"] : [program, "--no-install", "main.js"];
    const { code, stdout, stderr } = await runCommand(command, { cwd: folder.path });
    expect([code, stdout.trim(), stderr]).toEqual([0, Array(7).fill("function").join(), ""]);
  });
});
