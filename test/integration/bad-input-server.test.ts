import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { chmod, mkdir, readdir, readFile } from "node:fs/promises";
import { startServer, microCommand, type TestServer } from "#testing/start-server.ts";
import { baseEnvironment, runCommand, type CommandResult } from "#testing/run-command.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";

/** `micro server` where it cannot start, and commands with a login or a server that is no more. */
let server: TestServer;
let folder: TempFolder;

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer(), createTempFolder()]);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** `micro server …` on a home of its own; it is meant to fail. */
function startWrongly(home: string, ...args: string[]): Promise<CommandResult> {
  const free = [
    "--gateway-address=0",
    "--proxy-address=0",
    "--network-address=0",
    "--registry-address=0",
    "--broker-address=0",
  ];
  // Only a server with a secret of its own may listen for other machines.
  const env = { ...baseEnvironment(), HOME: folder.path, MICRO_HOME: home, MICRO_ADMIN_SECRET: "chosen by a test" };
  return runCommand([...microCommand, "server", ...free, ...args], { env, timeoutMs: 20_000 });
}

describe("micro server", () => {
  it("names the address and the flag when a port is in use, and leaves nothing that stops the next start", async () => {
    const { gateway, proxy, network } = server.addresses;
    for (const [flag, address] of [
      ["--gateway-address", gateway],
      ["--proxy-address", proxy],
      ["--network-address", network],
    ]) {
      expect(await startWrongly(`${folder.path}/h`, `${flag}=${address}`)).toEqual({
        code: 1,
        stdout: "",
        stderr: `${address} is in use by another program; choose another with ${flag}\n`,
      });
    }
    expect(await readdir(`${folder.path}/h`)).not.toContain("server.json");
    await using next = await startServer({ env: { MICRO_HOME: `${folder.path}/h` } });
    expect((await next.micro(["services"])).code).toBe(0);
  });

  it("says which address is none", async () => {
    const refused = [
      ["--gateway-address=nope", /^--gateway-address "nope" is not an address; write HOST:PORT/],
      ["--proxy-address=127.0.0.1:99999", /^--proxy-address "127.0.0.1:99999" is not an address/],
      [
        "--network-address=192.0.2.1:0",
        /^192.0.2.1:0 is no address of this machine; choose another with --network-address/,
      ],
      [
        "--gateway-address=192.0.2.1:0",
        /^192.0.2.1:0 is no address of this machine; choose another with --gateway-address/,
      ],
      [
        "--gateway-address=host.invalid:0",
        /^host.invalid:0 is no address of this machine; choose another with --gateway-address/,
      ],
      ["--log-level=loud", /^"loud" is not a log level; use trace/],
      ["extra", /^Unrecognized subcommand for micro server: extra/],
      ["--port=1", /^Flag provided but not defined: -port/],
    ] as const;
    for (const [argument, text] of refused) {
      const { code, stdout, stderr } = await startWrongly(`${folder.path}/h3`, argument);
      expect({ argument, code, stdout, stderr }).toEqual({
        argument,
        code: 1,
        stdout: "",
        stderr: expect.stringMatching(text),
      });
      expect(stderr.trimEnd()).not.toContain("\n");
    }
  });

  it("does not start twice on one home, and the first goes on", async () => {
    const before = await readFile(`${server.home}/server.json`, "utf8");
    const second = await startWrongly(server.home);
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toMatch(/^another micro server is running on [^\n]+ set MICRO_HOME to another folder\n$/i);
    expect(await readFile(`${server.home}/server.json`, "utf8")).toBe(before);
    expect((await server.micro(["services"])).code).toBe(0);
  });

  it("says that a home which is a file cannot be used", async () => {
    await Bun.write(`${folder.path}/file`, "");
    const { code, stderr } = await startWrongly(`${folder.path}/file`);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `MICRO_HOME ${folder.path}/file cannot be made or used; set it to a folder of yours\n`,
    });
  });

  // The administrator of a machine may write anywhere.
  it.skipIf(process.getuid?.() === 0)("says that a home which may not be written cannot be used", async () => {
    await mkdir(`${folder.path}/closed`);
    await chmod(`${folder.path}/closed`, 0o500);
    const { code, stderr } = await startWrongly(`${folder.path}/closed/m`);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^MICRO_HOME [^\n]+ cannot be made or used/),
    });
  });

  it("says which file of the home it cannot read", async () => {
    await mkdir(`${folder.path}/odd`);
    await Bun.write(`${folder.path}/odd/id_rsa`, "no key");
    const { code, stderr } = await startWrongly(`${folder.path}/odd`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]*id_rsa[^\n]*\n$/);
    expect(await readFile(`${folder.path}/odd/id_rsa`, "utf8")).toBe("no key");
  });
});

describe("a command whose login has ended", () => {
  it("says so in one line and gives exit code 2", async () => {
    const path = `${server.home}/tokens`;
    const before = await readFile(path, "utf8");
    const dead = { access_token: "a.b.c", refresh_token: "dead", created: 1, expiry: 2 };
    const [key = ""] = /^.*:/.exec(before) ?? [];
    await Bun.write(path, `${key}${Buffer.from(JSON.stringify(dead)).toString("base64")}\n`);
    for (const args of [["services"], ["status"], ["run", "."], ["user", "token"], ["logs", "x"]]) {
      await Bun.write(`${folder.path}/service/index.ts`, "");
      const { code, stdout, stderr } = await server.micro(args, { cwd: `${folder.path}/service` });
      expect({ args, code, stdout, stderr }).toEqual({
        args,
        code: 2,
        stdout: "",
        stderr: 'Your login has expired: log in again with "micro login"\n',
      });
    }
    await Bun.write(path, before);
    expect((await server.micro(["services"])).code).toBe(0);
  });

  it("asks for a login when the file of logins is not one", async () => {
    const path = `${server.home}/tokens`;
    const before = await readFile(path, "utf8");
    await Bun.write(path, "garbage\n\u0000\n");
    const { code, stderr } = await server.micro(["services"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'Not authorized to perform this request: log in with "micro login"\n',
    });
    await Bun.write(path, before);
  });
});

describe("a command with settings that cannot be used", () => {
  it("names what is wrong", async () => {
    const wrong = [
      [["--env", "nope", "services"], 1, 'Env "nope" not found'],
      [["env", "add", "x", "not an address"], 1, "write host:port"],
      [["--namespace", "../x", "services"], 1, "is not a namespace name"],
      [["-o", "loud", "services"], 1, "it is text or json or raw"],
      [["call", "a", "A.B", "{bad"], 1, "the body is not JSON"],
      [["call", "a", "A", "{}"], 3, "Expecting service.endpoint"],
      [["call", "a", "A.B", "--request-timeout=soon"], 2, "try 500ms"],
      [["call", "a", "A.B", "--address=a b"], 1, "a b"],
      [["call", "a", "A.B", "--address=127.0.0.1:1"], 4, "127.0.0.1:1"],
      [["login", "--username=x", "--password=y"], 1, "Secret not correct"],
      [["logs", "-n", "many", "x"], 1, "it is a whole number"],
      [["store", "list", "--limit", "-1"], 1, 'Invalid value "-1" for flag -limit: it is a whole number from 0 on'],
      [["events", "redrive", "shop.orders", "nobody"], 127, "topic shop.orders has no group nobody"],
      [["config", "rollback", "99"], 127, "revision 99"],
    ] as const;
    for (const [args, code, text] of wrong) {
      const result = await server.micro([...args], { cwd: folder.path });
      expect({ args, ...result }).toEqual({ args, code, stdout: "", stderr: expect.stringContaining(text) });
      expect(result.stderr).toMatch(/^[^\n]+\n$/);
    }
  });

  it("names a settings file that is none", async () => {
    const path = `${server.home}/config.json`;
    const before = await readFile(path, "utf8");
    await Bun.write(path, "{oops");
    expect(await server.micro(["services"])).toEqual({
      code: 1,
      stdout: "",
      stderr: `${path} is not a JSON object: repair it or move it away\n`,
    });
    await Bun.write(path, before);
    expect((await server.micro(["services"])).code).toBe(0);
  });
});
