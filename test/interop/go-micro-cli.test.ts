import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { baseEnvironment, runCommand, type CommandResult } from "#testing/run-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { asNobody, buildGoMicro } from "./go-micro.ts";

const program = await buildGoMicro("github.com/micro/micro/v5/cmd/micro");
const note = typeof program === "string" ? ` (skipped: ${program})` : "";
const greeterProto = join(import.meta.dir, "../../examples/greeter-proto");
const secret = "a-secret-of-the-test";

let server: TestServer;
let home: string;

/** Built without C the program complains of its database at each start, in two lines of standard output. */
const complaint = /^\s*.*sql\.go:\d+\n.*requires cgo to work.*\n/;

/** Runs Micro's own command line, in a home of its own. */
async function go(...args: string[]): Promise<CommandResult> {
  const path = typeof program === "string" ? "false" : program.path;
  const env = { ...baseEnvironment(), HOME: home, USER: "jane" };
  const result = await runCommand([...asNobody, path, ...args], { env, timeoutMs: 20_000 });
  return { ...result, stdout: result.stdout.replace(complaint, "") };
}

/** What a command prints, which has to succeed. */
async function said(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await go(...args);
  expect({ args, code, stderr, ...(code !== 0 && { stdout }) }).toEqual({ args, code: 0, stderr: "" });
  return stdout.trim();
}

const columns = (line: string): string[] => line.split(/\t+/);

describe.skipIf(typeof program === "string")(`the command line of Micro in Go${note}`, () => {
  beforeAll(async () => {
    server = await startServer();
    home = `${server.home}/jane`;
    await mkdir(home);
    expect(await server.micro(["run", greeterProto, "--name=greeter"])).toMatchObject({ code: 0 });
    const account = ["auth", "create", "account", "jane", `--secret=${secret}`, "--scopes=admin"];
    expect(await server.micro(account)).toMatchObject({ code: 0 });
    await said("env", "add", "test", server.addresses.proxy);
    await said("env", "set", "test");
  }, 60_000);

  afterAll(async () => {
    if (typeof program === "string") return;
    await server[Symbol.asyncDispose]();
    await program.folder[Symbol.asyncDispose]();
  });

  it("is refused before it logs in, with the exit codes that it has", async () => {
    expect(await go("services")).toMatchObject({ code: 2, stderr: "Not authorized to perform this request\n" });
    expect(await go("login", "--username=jane", "--password=wrong")).toMatchObject({ code: 1 });
    expect(await said("login", "--username=jane", `--password=${secret}`)).toBe("Successfully logged in.");
    expect(await said("user")).toBe("jane");
  }, 30_000);

  it("lists services and describes them", async () => {
    expect((await said("services")).split("\n")).toEqual(
      expect.arrayContaining(["auth", "config", "greeter", "registry", "runtime", "store"]),
    );
    const described = await said("get", "service", "greeter");
    expect(described).toContain("Endpoint: Greeter.Hello");
    expect(described).toContain("name string");
  }, 30_000);

  it("calls services, as commands of their own too", async () => {
    const hello = { msg: "Hello Go" };
    expect(JSON.parse(await said("call", "greeter", "Greeter.Hello", '{"name":"Go"}'))).toMatchObject(hello);
    expect(JSON.parse(await said("greeter", "hello", "--name=Go"))).toMatchObject(hello);
    const streamed = await said("stream", "greeter", "Greeter.Languages", '{"name":"Go"}');
    expect(streamed.match(/"msg"/g)).toHaveLength(4);
    expect(await said("registry", "getService", "--service=greeter")).toContain('"Greeter.Hello"');
  }, 30_000);

  it("tells failures apart", async () => {
    const refusal = async (...args: string[]): Promise<unknown> => {
      const { code, stderr } = await go(...args);
      return { code, stderr: stderr.trim() };
    };
    expect(await refusal("call", "greeter", "Greeter.Hello", "{}")).toEqual({
      code: 127,
      stderr: "name is empty; say who is greeted",
    });
    expect(await refusal("call", "nobody", "Nobody.Call", "{}")).toEqual({
      code: 4,
      stderr: 'Service "nobody" not found',
    });
    expect(await refusal("call", "greeter", "Greeter.Nothing", "{}")).toEqual({
      code: 5,
      stderr: 'Service method "Greeter.Nothing" not found',
    });
  }, 30_000);

  it("shows what runs, its log, and ends it", async () => {
    const [, row = ""] = (await said("status")).split("\n");
    expect(columns(row)).toEqual(expect.arrayContaining(["greeter", "latest", "running"]));
    expect(await said("logs", "greeter")).toContain("serving");
    await said("kill", "greeter");
    expect(await said("status", "greeter")).not.toContain("running");
    expect(await go("kill", "greeter")).toMatchObject({ code: 127 });
  }, 30_000);

  it("sends a folder in Go, which the server builds", async () => {
    const folder = `${home}/hello`;
    await Bun.write(`${folder}/go.mod`, "module hello\n\ngo 1.20\n");
    await Bun.write(`${folder}/main.go`, 'package main\n\nfunc main() { println("started") }\n');
    expect(await said("run", folder)).toBe("");
    const [, row = ""] = (await said("status", "hello")).split("\n");
    expect(columns(row).slice(0, 3)).toEqual(["hello", "latest", folder]);
    expect(columns(row)[3]).toMatch(/^(building|starting|error)$/);
    await said("kill", "hello");
  }, 30_000);

  it("keeps config and records", async () => {
    await said("config", "set", "go.n", "12");
    await said("config", "set", "-s", "go.key", "hidden");
    expect(JSON.parse(await said("config", "get", "go"))).toEqual({ n: 12, key: "[secret]" });
    expect(await said("config", "get", "-s", "go.key")).toBe("hidden");
    await said("config", "del", "go");
    expect(await go("config", "get", "go")).toMatchObject({ stdout: expect.stringContaining("Not found") });
    await said("store", "write", "--expiry=10m", "k1", "some", "words");
    expect(await said("store", "read", "k1")).toBe("some words");
    expect(await said("store", "read", "-v", "-p", "k")).toMatch(
      /KEY +VALUE +EXPIRY\nk1 +some words +9 minutes from now/,
    );
    expect(await said("store", "list")).toBe("k1");
    await said("store", "delete", "k1");
    expect(await go("store", "read", "k1")).toMatchObject({ code: 1 });
    expect(await said("store", "databases")).toBe("micro");
  }, 30_000);

  it("administers accounts and rules", async () => {
    expect(await said("auth", "create", "account", "--secret=some-other-secret", "bob")).toStartWith(
      "Account created:",
    );
    expect(await said("auth", "list", "accounts")).toMatch(/^bob\t+bob\t/m);
    expect(await said("auth", "create", "token", "--id=bob", "--secret=some-other-secret")).toStartWith(
      "Token created:",
    );
    const rule = ["auth", "create", "rule", "--scope=*", "--access=denied", "--priority=5"];
    expect(await said(...rule, "--resource=service:greeter:*", "go-rule")).toBe("Rule created");
    expect(await said("auth", "list", "rules")).toMatch(/^go-rule\t+\*\t+DENIED\t+service:greeter:\*\t+5$/m);
    expect(await said("auth", "delete", "rule", "go-rule")).toBe("Rule deleted");
    await said("auth", "delete", "account", "bob");
    expect(await said("auth", "list", "accounts")).not.toContain("bob");
  }, 30_000);

  it("works in another namespace, and there alone", async () => {
    const account = ["auth", "create", "account", "joe", `--secret=${secret}`, "--scopes=admin", "--namespace=acme"];
    expect(await server.micro(account)).toMatchObject({ code: 0 });
    expect(await server.micro(["run", greeterProto, "--name=greeter", "--namespace=acme"])).toMatchObject({ code: 0 });
    await said("user", "namespace", "set", "acme");
    await said("login", "--username=joe", `--password=${secret}`);
    expect(await said("services")).toBe("greeter");
    expect(JSON.parse(await said("greeter", "hello", "--name=Go"))).toMatchObject({ msg: "Hello Go" });
    await said("config", "set", "of", "acme");
    expect(await said("config", "get", "of")).toBe("acme");
    await said("store", "write", "of", "acme");
    expect(await said("store", "list")).toBe("of");
    expect((await said("auth", "list", "accounts")).match(/^\w+/gm)).not.toContain("jane");
    const evil = await go("auth", "create", "account", "--secret=some-secret", "--namespace=micro", "evil");
    expect(evil).toMatchObject({ code: 1, stdout: expect.stringContaining("access denied to namespace") });
    await said("kill", "greeter");
    await said("user", "namespace", "set", "micro");
    // It remembers one user alone.
    await said("login", "--username=jane", `--password=${secret}`);
    expect(await go("config", "get", "of")).toMatchObject({ stdout: expect.stringContaining("Not found") });
  }, 60_000);

  it("shares its login with ours, in one home", async () => {
    const env = { ...server.env, HOME: home, MICRO_HOME: `${home}/.micro` };
    expect(await server.micro(["user"], { env })).toMatchObject({ code: 0, stdout: "jane\n" });
    expect((await server.micro(["services"], { env })).stdout).toContain("registry");
    expect(await server.micro(["login", "--username=jane", `--password=${secret}`], { env })).toMatchObject({
      code: 0,
    });
    expect(await said("user")).toBe("jane");
    await said("logout");
    expect(await go("services")).toMatchObject({ code: 2 });
  }, 30_000);
});
