import { describe, expect, it } from "bun:test";
import { readdir } from "node:fs/promises";
import { baseEnvironment, runCommand, type CommandResult } from "#testing/run-command.ts";
import { microCommand } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

const compiler = new URL("../../node_modules/.bin/tsc", import.meta.url).pathname;

function micro(args: readonly string[], cwd: string): Promise<CommandResult> {
  return runCommand([...microCommand, ...args], { cwd, env: { ...baseEnvironment(), MICRO_HOME: `${cwd}/home` } });
}

describe("micro new", () => {
  it("makes a service, shows its files and says what to do next", async () => {
    await using folder = await createTempFolder();
    const { code, stdout, stderr } = await micro(["new", "my-service"], folder.path);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("Creating service my-service\n");
    expect(stdout).toContain("micro run ./my-service\n");
    for (const file of [".gitignore", "README.md", "index.ts", "package.json", "tsconfig.json"]) {
      expect(stdout).toContain(file);
      expect(await Bun.file(`${folder.path}/my-service/${file}`).exists()).toBe(true);
    }
    expect(await Bun.file(`${folder.path}/my-service/index.ts`).text()).toContain('greeter.endpoint("MyService.Call"');
    expect(await readdir(folder.path)).toEqual(["my-service"]);
  });

  it("makes a service that the compiler accepts", async () => {
    await using folder = await createTempFolder();
    await micro(["new", "helloworld"], folder.path);
    const cwd = `${folder.path}/helloworld`;
    expect(await runCommand([compiler, "-p", "."], { cwd })).toMatchObject({ code: 0, stdout: "" });
  });

  it("leaves a folder that is there as it is", async () => {
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/helloworld/mine.txt`, "mine");
    expect(await micro(["new", "helloworld"], folder.path)).toEqual({
      code: 1,
      stdout: "",
      stderr: "helloworld already exists\n",
    });
    expect(await readdir(`${folder.path}/helloworld`)).toEqual(["mine.txt"]);
  });

  it.each(["", "a b", "../x", "-x-", ".", "a/b"])("refuses the name %p", async (name) => {
    await using folder = await createTempFolder();
    const { code, stderr } = await micro(["new", "--", name], folder.path);
    expect({ code, isOneLine: /^[^\n]+\n$/.test(stderr) }).toEqual({ code: 1, isOneLine: true });
    expect(await readdir(folder.path)).toEqual([]);
  });
});
