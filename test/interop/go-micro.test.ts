import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ServiceError } from "@grpc/grpc-js";
import { createClient, type Client } from "#service/client.ts";
import { baseEnvironment } from "#testing/run-command.ts";
import type { TestServer } from "#testing/start-server.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { asNobody, brokerPortLack, buildGoMicro, startServerWithBroker } from "./go-micro.ts";
import { startUnary } from "./grpc-bytes.ts";

const program = await buildGoMicro();
const lack = typeof program === "string" ? program : await brokerPortLack();
const note = lack === undefined ? "" : ` (skipped: ${lack})`;
const service = "go-micro-greeter";
const greeterProto = join(import.meta.dir, "../../examples/greeter-proto");
const empty = { name: "", msg: "", n: "0", loud: false, data: null, tags: [], labels: {}, inner: null };
const answered = { ...empty, labels: { trace: "" } };

let server: TestServer;
let child: Bun.Subprocess<"ignore", "ignore", "pipe"> | undefined;
let log = "";
let client: Client;

const micro = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => server.micro(args);

/** Starts the service by hand, as somebody does who works on it, and returns when it is registered. */
async function startByHand(path: string): Promise<void> {
  const file = await readFile(`${server.home}/service-credentials.json`, "utf8");
  const { id, secret } = JSON.parse(file) as { id: string; secret: string };
  const env = {
    ...baseEnvironment(),
    USER: "jane",
    HOME: `${server.home}/jane`,
    MICRO_SERVICE_NETWORK: server.addresses.network,
    MICRO_CLIENT_ID: id,
    MICRO_CLIENT_SECRET: secret,
  };
  await mkdir(env.HOME);
  const started = Bun.spawn([...asNobody, path], { env, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  child = started;
  // It writes its token into its log: what it says is shown only where it ends before its time.
  void started.stderr.text().then((text) => (log = text));
  await waitUntil("the Go service to be registered", async () => {
    if (started.exitCode !== null) throw new Error(`the Go service ended with ${started.exitCode}: ${log}`);
    return isRegistered();
  });
}

async function isRegistered(): Promise<boolean> {
  return (await micro("services")).stdout.split("\n").includes(service);
}

/** Address of its own port, past the network. */
async function ownAddress(): Promise<string> {
  const { stdout } = await micro("call", "registry", "Registry.GetService", JSON.stringify({ service }));
  const found = JSON.parse(stdout) as { services: { nodes: { address: string }[] }[] };
  return found.services[0]?.nodes[0]?.address ?? "";
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

async function stream(endpoint: string, requests: readonly object[]): Promise<unknown[]> {
  return Array.fromAsync(client.stream(service, `Greeter.${endpoint}`, each(requests)));
}

async function post(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`http://${server.addresses.gateway}/${service}/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
  return { status: answer.status, body: await answer.json() };
}

/** Sends messages to Greeter.Chat through a WebSocket, each when the last is answered. Returns the answers' texts. */
async function chatAtGateway(requests: readonly object[]): Promise<readonly unknown[]> {
  const socket = new WebSocket(`ws://${server.addresses.gateway}/${service}/Greeter/Chat`);
  const answers: unknown[] = [];
  socket.addEventListener("message", ({ data }) => {
    answers.push((JSON.parse(String(data)) as { msg: unknown }).msg);
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error("the socket was refused")));
  });
  for (const [index, request] of requests.entries()) {
    socket.send(JSON.stringify(request));
    await waitUntil("the answer", () => answers.length > index);
  }
  socket.close();
  return answers;
}

/** What a call was refused with. */
async function refusal(address: string, endpoint: string, token?: string): Promise<unknown> {
  const metadata: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  try {
    return (await startUnary(address, `/${service}.Greeter/${endpoint}`, "", metadata)).message;
  } catch (reason) {
    return JSON.parse((reason as ServiceError).details);
  }
}

/** Every check that the service makes of the server and of its neighbours, with what went wrong. */
async function checks(): Promise<Record<string, string>> {
  const { stdout } = await micro("get", "service", service);
  const names = [...stdout.matchAll(/^Endpoint: (Checks\.(?!Heard)\w+)$/gm)].map(([, name = ""]) => name);
  const results: Record<string, string> = {};
  for (const name of names) {
    const { code, stderr } = await micro("call", "--request_timeout=20s", service, name, "{}");
    results[name] = code === 0 ? "" : stderr;
  }
  return results;
}

const allWell = Object.fromEntries(
  "Accounts Blobs Broker Calls Config Events Failures History Metadata Registry Rules Said Store Streams Tables Watch"
    .split(" ")
    .map((name) => [`Checks.${name}`, ""]),
);

describe.skipIf(lack !== undefined)(`a service of Micro's Go framework${note}`, () => {
  beforeAll(async () => {
    if (typeof program === "string") return;
    server = await startServerWithBroker();
    expect(await micro("run", greeterProto, "--name=greeter")).toMatchObject({ code: 0 });
    // The framework keeps rules for two minutes, so they are there before it.
    const rule = ["auth", "create", "rule", `--resource=service:${service}:Greeter.Whoami`];
    expect(await micro(...rule, "--scope=*", "--priority=2", "whoami-users")).toMatchObject({ code: 0 });
    expect(await micro(...rule, "--access=denied", "--priority=1", "whoami-nobody")).toMatchObject({ code: 0 });
    await startByHand(program.path);
    client = createClient({ address: server.addresses.network, token: await server.token() });
  }, 90_000);

  afterAll(async () => {
    if (typeof program === "string") return;
    await client.stop();
    child?.kill("SIGKILL");
    await child?.exited;
    await server[Symbol.asyncDispose]();
    await program.folder[Symbol.asyncDispose]();
  });

  it("finds all as it should be: calls, streams, store, blobs, config, messages, events, accounts, rules", async () => {
    expect(await checks()).toEqual(allWell);
  }, 60_000);

  it("is called by the command line, also as a command of its own", async () => {
    const request = { name: "Jane", loud: true, n: 4, data: "AAEC", tags: ["a"], labels: { k: "v" } };
    const { stdout } = await micro("call", service, "Greeter.Hello", JSON.stringify(request));
    const { name: _, ...same } = request;
    expect(JSON.parse(stdout)).toEqual({
      ...empty,
      ...same,
      msg: "HELLO JANE",
      n: "5",
      loud: false,
      labels: { k: "v", trace: "" },
    });
    const typed = await micro(service, "greeter", "hello", "--name=John", "--n=1", "--tags=a", "--tags=b");
    expect(JSON.parse(typed.stdout)).toEqual({ ...answered, msg: "Hello John", n: "2", tags: ["a", "b"] });
    const streamed = await micro("stream", service, "Greeter.Count", '{"n":2,"loud":true}');
    expect(streamed).toMatchObject({ code: 127, stderr: "no further than 2\n" });
    expect(streamed.stdout.match(/"n": "\d"/g)).toEqual(['"n": "1"', '"n": "2"']);
    const refused = await micro("call", service, "Greeter.Nothing", "{}");
    expect(refused).toMatchObject({ code: 5, stderr: 'Service method "Greeter.Nothing" not found\n' });
    const described = (await micro("get", "service", service)).stdout;
    expect(described).toContain("team=go");
    expect(described).not.toContain("instance=");
  }, 30_000);

  it("is called by the gateway, unary and as a stream, with its errors as statuses", async () => {
    expect(await post("Greeter/Hello", { name: "Jane", n: 1 })).toEqual({
      status: 200,
      body: { ...answered, msg: "Hello Jane", n: "2" },
    });
    const status = "Conflict";
    const detail = "no greeting for Jane, 100% sure";
    expect(await post("Greeter/Fail", { name: "Jane" })).toEqual({
      status: 409,
      body: { id: service, code: 409, detail, status },
    });
    expect(await post("Greeter/Panic", {})).toMatchObject({ status: 500, body: { id: service, code: 500 } });
    expect(await post("Greeter/Nothing", {})).toMatchObject({ status: 404 });
    const lines = await fetch(`http://${server.addresses.gateway}/${service}/Greeter/Count?n=3`, {
      headers: { accept: "application/x-ndjson" },
    }).then((answer) => answer.text());
    expect(lines.trim().split("\n")).toHaveLength(3);
    expect(await chatAtGateway([{ name: "a" }, { name: "b" }])).toEqual(["Hello a", "Hello b"]);
  }, 30_000);

  it("is called through the identity proxy, in binary, by who may", async () => {
    const { proxy } = server.addresses;
    // Note{name: "Jane"}.
    const { message } = await startUnary(proxy, `/${service}.Greeter/Hello`, "\n\u0004Jane");
    expect(message).toContain("Hello Jane");
    expect(await refusal(proxy, "Whoami")).toMatchObject({ code: 401 });
    expect(await refusal(proxy, "Whoami", await server.token())).toContain("admin");
  }, 30_000);

  it("is called by our framework, in every kind of call", async () => {
    const metadata = { "x-trace": "t-1" };
    const hello = await client.call(service, "Greeter.Hello", { name: "Jane" }, { metadata });
    expect(hello).toEqual({ ...empty, msg: "Hello Jane", n: "1", labels: { trace: "t-1" } });
    expect(await stream("Count", [{ n: 3 }])).toHaveLength(3);
    expect(await stream("Sum", [{ n: 1 }, { n: 2 }])).toEqual([{ ...empty, n: "3" }]);
    expect(await stream("Chat", [{ name: "a" }, { name: "b", n: 2 }])).toEqual([
      { ...empty, msg: "Hello a" },
      { ...empty, msg: "Hello b", n: "2" },
    ]);
    expect(client.call(service, "Greeter.Wait", {}, { timeoutMs: 200 })).rejects.toMatchObject({ httpStatus: 408 });
  }, 30_000);

  it("holds callers of its own port against our rules", async () => {
    const address = await ownAddress();
    expect(await refusal(address, "Whoami")).toMatchObject({ id: service, code: 401 });
    expect(await refusal(address, "Whoami", "no.good.token")).toMatchObject({ code: 401 });
    expect(await refusal(address, "Whoami", await server.token())).toContain("admin");
  }, 30_000);

  it("hears what others publish", async () => {
    await waitUntil("the message", async () => {
      await micro("broker", "publish", "go-micro-said", '{"name":"from here"}');
      const { stdout } = await micro("call", service, "Checks.Heard", "{}");
      return stdout.includes("from here");
    });
  }, 30_000);

  it("leaves the registry when it ends", async () => {
    child?.kill("SIGTERM");
    expect(await child?.exited).toBe(0);
    expect(await post("Greeter/Hello", {})).toMatchObject({ status: 404 });
  }, 30_000);

  it("does all of it again when our runtime runs it", async () => {
    if (typeof program === "string") return;
    const folder = `${server.home}/go-source`;
    await mkdir(folder);
    await copyFile(program.path, `${folder}/program`);
    const command = `--command=${asNobody.join(" ")} ./program`;
    expect(await micro("run", folder, "--name=go-run", command, "--env-vars=USER=jane")).toMatchObject({ code: 0 });
    expect((await micro("status", "go-run")).stdout).toMatch(/go-run .*running/);
    expect(await checks()).toEqual(allWell);
    expect(await post("Greeter/Hello", { name: "Jane" })).toMatchObject({ status: 200 });
    expect((await micro("logs", "go-run")).stdout).toContain("Registering node");
    expect(await micro("kill", "go-run")).toMatchObject({ code: 0 });
    expect(await isRegistered()).toBe(false);
  }, 60_000);
});
