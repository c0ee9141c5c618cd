import { describe, expect, it } from "bun:test";
import { chmod, copyFile, mkdir, readdir, symlink } from "node:fs/promises";
import { commandTable } from "#cli/command-table.ts";
import { globalFlags } from "#cli/arguments/flag-spec.ts";
import { baseEnvironment, runCommand, type CommandResult } from "#testing/run-command.ts";
import { microCommand } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

const launcher = new URL("../../bin/micro", import.meta.url).pathname;

/** The command line in an empty home, where no server runs. */
async function micro(
  args: readonly string[],
  home: string,
  extra: Record<string, string> = {},
): Promise<CommandResult> {
  return runCommand([...microCommand, ...args], { env: { ...baseEnvironment(), MICRO_HOME: home, ...extra } });
}

describe("micro --help", () => {
  it("lists every command and every global flag", async () => {
    await using folder = await createTempFolder();
    const { code, stdout, stderr } = await micro(["--help"], folder.path);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const listed = stdout.split("COMMANDS:\n")[1]?.split("\n\n")[0]?.split("\n");
    const wanted = commandTable
      .filter((entry) => entry.isHidden !== true)
      .map(({ name, summary }) => `   ${name.padEnd(13)}${summary}`);
    expect(listed).toEqual([...wanted, "   help         Show help of a command"]);
    for (const flag of globalFlags)
      expect(stdout).toContain(`   --${flag.name}${flag.short === undefined ? "" : `, -${flag.short}`}`);
  });

  it("is there for every command", async () => {
    await using folder = await createTempFolder();
    for (const { name, isHidden, load } of commandTable) {
      if (isHidden === true) continue;
      const { code, stdout } = await micro([name, "--help"], `${folder.path}/home`);
      expect({ name, code }).toEqual({ name, code: 0 });
      expect(stdout).toContain(`micro ${name} - ${(await load()).command.summary}`);
    }
    expect((await micro(["help", "user", "namespace"], folder.path)).stdout).toContain("micro user namespace COMMAND");
  });

  it("makes no file, nor does anything else that only reads", async () => {
    await using folder = await createTempFolder();
    const home = `${folder.path}/home`;
    for (const args of [["--help"], ["--version"], ["env"], ["user", "config"], ["services"], ["login", "--help"]]) {
      await micro(args, home);
    }
    expect(await readdir(folder.path)).toEqual([]);
  });
});

describe("micro", () => {
  it("prints its version", async () => {
    await using folder = await createTempFolder();
    for (const args of [["--version"], ["-v"], ["services", "--version"]]) {
      expect(await micro(args, folder.path)).toMatchObject({ code: 0, stdout: "micro version 0.1.0\n" });
    }
  });

  it.each([
    [[], 1, "No command provided to micro. Please refer to 'micro --help'"],
    [["env", "foo"], 1, "Unrecognized subcommand for micro env: foo. Please refer to 'micro env --help'"],
    [["get", "foo"], 3, "Unrecognized subcommand for micro get: foo. Please refer to 'micro get --help'"],
    [["services", "-x"], 1, "Flag provided but not defined: -x"],
    [["--nope", "services"], 1, "Flag provided but not defined: -nope"],
    [["logs", "x", "--lines", "--follow"], 1, "Flag needs an argument: -lines; write --lines=VALUE"],
    [["logs", "x", "-n", "many"], 1, 'Invalid value "many" for flag -lines: it is a whole number from 0 on'],
    [["logs", "x", "--since=soon"], 2, 'Invalid value "soon" for flag -since: try 500ms, 5s or 10m'],
    [["kill"], 1, "Missing argument; usage: micro kill NAME[@VERSION]…"],
    [["services", "extra"], 1, 'Too many arguments: "extra" is not expected; usage: micro services'],
    [["call", "helloworld", "Call"], 3, 'Method name "Call" invalid format. Expecting service.endpoint'],
    [["call", "a", "B.C", "{"], 1, "Error creating request: the body is not JSON: Expected '}'"],
    [
      ["call", "a", "B.C", "--request_timeout=x"],
      2,
      'Invalid value "x" for flag -request-timeout: try 500ms, 5s or 10m',
    ],
    [["run", "/nowhere/at/all"], 1, "/nowhere/at/all does not exist"],
    [["run", "github.com/a"], 1, '"github.com/a" is no source: it names no repository; write host/owner/repo'],
    [["kill", "a b"], 1, '"a b" is not a service name: use letters, digits, dots and dashes, at most 128'],
    [["-e", "x", "services"], 1, 'Env "x" not found. See `micro env` for available environments.'],
    [["env", "set", "x"], 128, "Environment 'x' does not exist; see \"micro env\""],
    [["env", "del", "local"], 128, "Environment 'local' is the current one: choose another with \"micro env set\""],
    [["env", "add", "x", "not an address"], 1, '"not an address" is not an address: write host:port'],
    [["user", "token"], 1, 'Invalid token provided: nobody is logged in, use "micro login"'],
    [["completion", "tcsh"], 1, '"tcsh" is not a shell that is known: bash, zsh, fish'],
    [["help", "nope"], 3, "No help topic for 'nope'"],
  ])("%j ends with exit code %d and one line", async (args, code, text) => {
    await using folder = await createTempFolder();
    expect(await micro(args, `${folder.path}/home`)).toEqual({ code, stdout: "", stderr: `${text}\n` });
  });

  it("says that no server runs, with exit code 4, for every command that needs one", async () => {
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/svc/index.ts`, "");
    const text = 'Failed to connect to micro server at 127.0.0.1:1: is it running? Start it with "micro server"\n';
    const env = { MICRO_ENV: "far" };
    expect(await micro(["env", "add", "far", "127.0.0.1:1"], folder.path)).toMatchObject({ code: 0, stdout: "" });
    const login = ["login", "--username=a", "--password=b"];
    const lines = [["services"], ["status"], ["logs", "x"], ["kill", "x"], ["describe", "x"], ["x", "call"], login];
    lines.push(
      ["run", `${folder.path}/svc`],
      ["update", `${folder.path}/svc`],
      ["call", "x", "X.Y"],
      ["stream", "x", "X.Y"],
    );
    for (const args of lines) {
      expect({ args, ...(await micro(args, folder.path, env)) }).toEqual({ args, code: 4, stdout: "", stderr: text });
    }
  });

  it("prints an error as JSON where JSON is asked for", async () => {
    await using folder = await createTempFolder();
    const { code, stderr } = await micro(["services", "--output", "json"], folder.path);
    expect(code).toBe(4);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        id: "micro",
        code: 503,
        detail: expect.stringContaining("Failed to connect to micro server") as unknown,
        status: "Service Unavailable",
      },
    });
  });

  it("keeps environments and settings", async () => {
    await using folder = await createTempFolder();
    const run = (...args: string[]): Promise<CommandResult> => micro(args, folder.path);
    expect((await run("env")).stdout).toBe("* local  127.0.0.1:8081  Local running Micro Server\n");
    await run("env", "add", "prod", "proxy.example.com");
    await run("env", "set", "prod");
    expect((await run("env", "get")).stdout).toBe("prod\n");
    expect((await run("env")).stdout).toBe(
      "  local  127.0.0.1:8081     Local running Micro Server\n* prod   proxy.example.com\n",
    );
    await run("user", "namespace", "set", "foo");
    expect((await run("user", "namespace")).stdout).toBe("foo\n");
    await run("user", "config", "set", "git.credentials.github", "secret");
    expect((await run("user", "config", "get", "git.credentials.github")).stdout).toBe("[hidden]\n");
    expect((await run("user", "config")).stdout).toBe(
      "user: n/a\nnamespace: foo\nenvironment: prod\ngit.credentials: [hidden]\ngit.baseurl: n/a\n",
    );
    await run("user", "config", "set", "git.baseurl", "example.com/a=b");
    expect((await run("user", "config", "get", "git.baseurl")).stdout).toBe("example.com/a=b\n");
    await run("user", "config", "delete", "git.baseurl");
    expect((await run("user", "config", "get", "git.baseurl")).stdout).toBe("\n");
  });

  it("completes commands and flags without a server", async () => {
    await using folder = await createTempFolder();
    const complete = async (...words: string[]): Promise<string[]> =>
      (await micro(["__complete", "--", ...words], folder.path)).stdout.split("\n").filter((line) => line !== "");
    expect(await complete("lo")).toEqual(["login", "logout", "logs"]);
    expect(await complete("logs", "x", "--f")).toEqual(["--follow"]);
    expect(await complete("user", "set", "")).toEqual(["password"]);
    expect(await complete("env", "set", "")).toEqual(["local"]);
    expect(await complete("completion", "")).toEqual(["bash", "fish", "zsh"]);
    expect(await complete("nope", "")).toEqual([]);
  });

  it("prints completion scripts, and bash completes with its own", async () => {
    await using folder = await createTempFolder();
    for (const shell of ["bash", "zsh", "fish"]) {
      expect(await micro(["completion", shell], folder.path)).toMatchObject({ code: 0, stderr: "" });
    }
    const script = `source <("$MICRO" completion bash)
      micro() { "$MICRO" "$@"; }
      COMP_LINE="micro env se"; COMP_POINT=\${#COMP_LINE}; COMP_WORDS=(micro env se); COMP_CWORD=2
      _micro; echo "\${COMPREPLY[@]}"`;
    const env = { ...baseEnvironment(), MICRO: launcher, MICRO_HOME: folder.path };
    expect(await runCommand(["bash", "-c", script], { env })).toMatchObject({ code: 0, stdout: "set\n" });
  });
});

describe("bin/micro", () => {
  it("is found through links, from any folder, and does not obey the settings of that folder", async () => {
    await using folder = await createTempFolder();
    await mkdir(`${folder.path}/bin`);
    await symlink(launcher, `${folder.path}/micro-one`);
    await symlink("../micro-one", `${folder.path}/bin/micro`);
    await Bun.write(`${folder.path}/.env`, "MICRO_ENV=nope\n");
    await Bun.write(`${folder.path}/bunfig.toml`, 'preload = ["./evil.ts"]\n');
    await Bun.write(`${folder.path}/evil.ts`, 'console.log("evil")');
    const env = {
      ...baseEnvironment(),
      PATH: `${folder.path}/bin:${process.env["PATH"] ?? ""}`,
      MICRO_HOME: folder.path,
    };
    const result = await runCommand(["sh", "-c", "micro env get"], { cwd: folder.path, env });
    expect(result).toEqual({ code: 0, stdout: "local\n", stderr: "" });
  });

  it("says what is missing where it can neither find nor install Bun", async () => {
    await using folder = await createTempFolder();
    await mkdir(`${folder.path}/bin`);
    await mkdir(`${folder.path}/tools`);
    await copyFile(launcher, `${folder.path}/bin/micro`);
    const env = { PATH: `${folder.path}/tools` };
    const run = (): Promise<CommandResult> => runCommand(["/bin/sh", `${folder.path}/bin/micro`, "--help"], { env });
    expect(await run()).toEqual({
      code: 1,
      stdout: "",
      stderr: "micro: Node 20 or newer is needed to install the dependencies once: https://nodejs.org\n",
    });
    await Bun.write(`${folder.path}/tools/node`, "#!/bin/sh\nexit 1\n");
    await chmod(`${folder.path}/tools/node`, 0o755);
    expect((await run()).stderr).toBe("micro: npm is needed to install the dependencies once: https://nodejs.org\n");
  });
});
