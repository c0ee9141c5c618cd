import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { chmod, mkdir } from "node:fs/promises";
import { startServer, type TestServer } from "#testing/start-server.ts";
import type { CommandResult } from "#testing/run-command.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";

/** `micro run` of folders and programs that cannot run. */
let server: TestServer;
let folder: TempFolder;

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer(), createTempFolder()]);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function micro(...args: string[]): Promise<CommandResult> {
  return server.micro(args, { cwd: folder.path });
}

async function runText(name: string, text: string, ...args: string[]): Promise<CommandResult> {
  await Bun.write(`${folder.path}/${name}/index.ts`, text);
  return micro("run", `./${name}`, ...args);
}

/** What `micro status` shows of all services, `name status`. */
async function statuses(): Promise<string> {
  return (await micro("status")).stdout;
}

async function expectNothingDeployed(): Promise<void> {
  expect(await statuses()).toBe("");
  expect((await micro("services")).stdout).toBe("auth\nbackup\nbroker\nconfig\nevents\nregistry\nruntime\nstore\n");
}

describe("micro run of a folder that cannot run", () => {
  it("says why, and deploys nothing", async () => {
    const { path } = folder;
    await Bun.write(`${path}/file`, "");
    await mkdir(`${path}/empty`);
    await Bun.write(`${path}/noentry/README.md`, "hi");
    await Bun.write(`${path}/bad name/index.ts`, "");
    await Bun.write(`${path}/good/index.ts`, "");
    const wrong = [
      [["./nope"], "nope does not exist"],
      [["./file"], "is not a folder"],
      [["./empty"], "is empty"],
      [["./noentry"], "has no TypeScript, JavaScript, Go or Python to start"],
      [["./bad name"], "give one with --name"],
      [["./good", "--name", "../x"], "is not a service name"],
      [["./good", "--instances", "0"], "it is 1 or more"],
      [["./good", "--instances", "many"], "it is a whole number"],
      [["./good", "--timeout", "soon"], "try 500ms"],
      [["./good", "--env-vars", "A"], "write KEY=VALUE"],
      [["./good", "--bogus"], "Flag provided but not defined"],
      [[], "Missing argument"],
      [["./good", "./empty"], "Too many arguments"],
    ] as const;
    for (const [args, text] of wrong) {
      const { code, stdout, stderr } = await micro("run", ...args);
      expect({ args, isFailed: code === 1 || code === 2, stdout, stderr }).toEqual({
        args,
        isFailed: true,
        stdout: "",
        stderr: expect.stringContaining(text),
      });
      expect(stderr).toMatch(/^[^\n]+\n$/);
    }
    await expectNothingDeployed();
  });

  it("is told by the server what it refuses, which deploys nothing either", async () => {
    const wrong = [
      [["--name", "auth"], "is a core service"],
      [["--instances", "100000"], "100"],
      [["--env-vars", "MICRO_CLIENT_ID=x"], "MICRO_CLIENT_ID is set by the runtime"],
      [["--command", "/nonexistent"], "neither in the source nor on the server's PATH"],
      [["--entrypoint", "../../etc/passwd"], "passwd"],
      [["--entrypoint", "nope.ts"], "nope.ts"],
    ] as const;
    for (const [args, text] of wrong) {
      const { code, stdout, stderr } = await micro("run", "./good", ...args, "--timeout", "2s");
      expect({ args, isFailed: code === 1 || code === 127, stdout, stderr }).toEqual({
        args,
        isFailed: true,
        stdout: "",
        stderr: expect.stringContaining(text),
      });
      expect(stderr).toMatch(/^[^\n]+\n$/);
    }
    await expectNothingDeployed();
  });

  // The administrator of a machine may read everything.
  it.skipIf(process.getuid?.() === 0)("says that it may not be read", async () => {
    await mkdir(`${folder.path}/closed`);
    await chmod(`${folder.path}/closed`, 0o000);
    const { code, stderr } = await micro("run", "./closed");
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("may not be read") });
  });
});

describe("micro run of a program that fails", () => {
  it("shows the reason of one that does not compile; the log has the whole of it", async () => {
    const { code, stdout, stderr } = await runText("uncompiled", "const a = 1;\nconst x: = 1;\n");
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^uncompiled cannot run: [^\n]*Unexpected =[^\n]*; see "micro logs uncompiled"\n$/),
    });
    expect(await statuses()).toMatch(/uncompiled +latest +\S+ +error .*Unexpected =/);
    expect((await micro("logs", "uncompiled")).stdout).toMatch(/index\.ts:2:\d+/);
  });

  it("shows the reason of one that throws, word by word", async () => {
    const { code, stderr } = await runText("thrower", 'throw new Error("100% of %s is gone");\n');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("100% of %s is gone") });
    expect(await statuses()).toContain("100% of %s is gone");
  });

  it("says that one ended at once", async () => {
    const { code, stderr } = await runText("quitter", 'console.log("bye");\n');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'quitter cannot run: exited with code 0; see "micro logs quitter"\n',
    });
    expect((await micro("logs", "quitter")).stdout).toContain("bye");
  });

  it("says that one does not register, as long as it was told to wait", async () => {
    const { code, stderr } = await runText("silent", "setInterval(() => undefined, 1_000);\n", "--timeout", "1s");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'silent is not running after 1s, it is starting; see "micro logs silent"\n',
    });
    expect(await statuses()).toMatch(/silent +latest +\S+ +starting/);
  });

  it("can be taken away; nothing of it is left", async () => {
    expect(await micro("kill", "uncompiled", "thrower", "quitter", "silent")).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
    await expectNothingDeployed();
    for (const command of ["kill", "logs", "update"]) {
      const { code, stderr } = await micro(command, "silent");
      expect({ command, code }).toEqual({ command, code: 127 });
      expect(stderr).toMatch(/^[^\n]+\n$/);
    }
    expect(server.output()).not.toMatch(/TypeError|unhandled|\.ts:\d+/i);
  });
});
