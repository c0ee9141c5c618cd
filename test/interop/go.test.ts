import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { join } from "node:path";
import { createClient, type Client } from "#service/client.ts";
import { runCommand } from "#testing/run-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { startUnary } from "./grpc-bytes.ts";
import { buildGoProgram } from "./go-program.ts";

const program = await buildGoProgram("go");
const lack = typeof program === "string" ? ` (skipped: ${program})` : "";
const greeterProto = join(import.meta.dir, "../../examples/greeter-proto");

let server: TestServer;
let goService: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined;
let client: Client | undefined;

/** Starts the Go service, and returns when it is registered. */
async function startGoService(path: string): Promise<void> {
  const child = Bun.spawn([path, "serve", server.addresses.network, `${server.home}/service-credentials.json`], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  goService = child;
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  expect(new TextDecoder().decode(value)).toStartWith("registered");
}

function requireClient(): Client {
  if (client === undefined) throw new Error("the client was not made");
  return client;
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

async function json(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`http://${server.addresses.gateway}${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
  return { status: answer.status, body: await answer.json() };
}

describe.skipIf(typeof program === "string")(`a Go program${lack}`, () => {
  beforeAll(async () => {
    if (typeof program === "string") return;
    server = await startServer();
    const { code, stderr } = await server.micro(["run", greeterProto]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    await startGoService(program.path);
    client = createClient({ address: server.addresses.network, token: await server.token() });
  }, 60_000);

  afterAll(async () => {
    if (typeof program === "string") return;
    await client?.stop();
    goService?.kill("SIGKILL");
    await goService?.exited;
    await server[Symbol.asyncDispose]();
    await program.folder[Symbol.asyncDispose]();
  });

  it("passes each of its own checks as a client", async () => {
    if (typeof program === "string") return;
    const { network, broker = "" } = server.addresses;
    const { code, stdout, stderr } = await runCommand([program.path, "client", network, broker, await server.token()], {
      env: {},
      timeoutMs: 60_000,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const results = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { name: string; failure: string });
    expect(results.filter((each) => each.failure !== "")).toEqual([]);
    expect(results.length).toBe(12);
  }, 60_000);

  it("is called by the command line, also as a command of its own", async () => {
    const { stdout } = await server.micro(["call", "go-greeter", "Greeter.Hello", '{"name":"Jane"}']);
    expect(JSON.parse(stdout)).toEqual({ name: "", msg: "Hello Jane", n: 1 });
    const typed = await server.micro(["go-greeter", "hello", "--name=John"]);
    expect(JSON.parse(typed.stdout)).toMatchObject({ msg: "Hello John" });
    const streamed = await server.micro(["stream", "go-greeter", "Greeter.Count", '{"name":"Jane","n":3}']);
    expect(streamed.stdout.match(/"n": ?\d/g)).toHaveLength(3);
    const failed = await server.micro(["call", "go-greeter", "Greeter.Fail", '{"name":"Jane"}']);
    expect(failed.stderr).toContain("no greeting for Jane");
  }, 30_000);

  it("is called by the gateway, unary and as a stream", async () => {
    expect(await json("/go-greeter/Greeter/Hello", { name: "Jane" })).toEqual({
      status: 200,
      body: { name: "", msg: "Hello Jane", n: 1 },
    });
    expect(await json("/go-greeter/Greeter/Fail", { name: "Jane" })).toEqual({
      status: 409,
      body: { id: "go-greeter", code: 409, detail: "no greeting for Jane", status: "Conflict" },
    });
    const lines = await fetch(`http://${server.addresses.gateway}/go-greeter/Greeter/Count?n=3`, {
      headers: { accept: "application/x-ndjson" },
    }).then((answer) => answer.text());
    expect(
      lines
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { n: number }).n),
    ).toEqual([1, 2, 3]);
  }, 30_000);

  it("is called through the identity proxy by another gRPC implementation, in binary", async () => {
    // Note{name: "Jane"}, and of the answer Note{msg: "Hello Jane", n: 1} what tells it apart.
    const { message } = await startUnary(server.addresses.proxy, "/go-greeter.Greeter/Hello", "\n\u0004Jane");
    expect(message).toContain("Hello Jane");
  }, 30_000);

  it("is called by the framework, in every kind of call", async () => {
    const hello = await requireClient().call(
      "go-greeter",
      "Greeter.Hello",
      { name: "Jane" },
      { metadata: { "x-trace": "t-1" } },
    );
    expect(hello).toEqual({ name: "t-1", msg: "Hello Jane", n: 1 });
    const notes = async (endpoint: string, requests: readonly object[]): Promise<unknown[]> => {
      const answers: unknown[] = [];
      for await (const answer of requireClient().stream("go-greeter", `Greeter.${endpoint}`, each(requests)))
        answers.push(answer);
      return answers;
    };
    expect(await notes("Count", [{ n: 3 }])).toHaveLength(3);
    expect(await notes("Sum", [{ n: 1 }, { n: 2 }])).toEqual([{ name: "", msg: "", n: 3 }]);
    expect(
      await notes("Chat", [
        { name: "a", n: 1 },
        { name: "b", n: 2 },
      ]),
    ).toEqual([
      { name: "", msg: "Hello a", n: 1 },
      { name: "", msg: "Hello b", n: 3 },
    ]);
    expect(requireClient().call("go-greeter", "Greeter.Fail", { name: "x" })).rejects.toMatchObject({
      httpStatus: 409,
    });
  }, 30_000);

  it("leaves the registry when it ends", async () => {
    goService?.kill("SIGTERM");
    expect(await goService?.exited).toBe(0);
    expect((await json("/go-greeter/Greeter/Hello", {})).status).toBe(404);
  }, 30_000);
});
