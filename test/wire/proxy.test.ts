import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { join } from "node:path";
import {
  credentials,
  loadPackageDefinition,
  Metadata,
  status,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  type GrpcObject,
  type ServiceClientConstructor,
  type ServiceError,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import type { Note } from "./echo-service.ts";
import { echoEndpoints, foreignEndpoint, serviceToken, startEdge, type Edge } from "./edge.ts";
import { echoDefinition, startEchoServer, type EchoServer as ForeignServer } from "./grpc-js-echo.ts";
import { startEcho, type EchoServer } from "./start-echo.ts";

const definition = loadPackageDefinition(
  loadSync(join(import.meta.dir, "echo.proto"), { keepCase: true, defaults: true }),
);
const EchoClient = (definition["echo"] as GrpcObject)["Echo"] as ServiceClientConstructor;

type Answer = (error: ServiceError | null, note: Note) => void;

interface Stub {
  say(note: Partial<Note>, metadata: Metadata, options: { deadline?: number }, answer: Answer): { cancel(): void };
  repeat(note: Partial<Note>, metadata: Metadata): ClientReadableStream<Note>;
  join(metadata: Metadata, answer: Answer): ClientWritableStream<Partial<Note>>;
  chat(metadata: Metadata): ClientDuplexStream<Partial<Note>, Note>;
  makeUnaryRequest(...args: unknown[]): void;
  close(): void;
}

let edge: Edge;
let echo: EchoServer;
let foreign: ForeignServer;
let folder: TempFolder;
let stub: Stub;

beforeAll(async () => {
  edge = await startEdge();
  echo = await startEcho("bun");
  foreign = await startEchoServer();
  folder = await createTempFolder();
  stub = new EchoClient(edge.proxy, credentials.createInsecure()) as unknown as Stub;
  const node = { id: "echo-1", address: echo.rpcUnix, metadata: { http: echo.httpUnix } };
  for (const domain of ["micro", "foo"]) {
    await edge.register({ name: "echo", domain, nodes: [node], endpoints: echoEndpoints });
  }
  const endpoints = [
    foreignEndpoint("Echo.Unary"),
    foreignEndpoint("Echo.Fail"),
    ...["Echo.Repeat", "Echo.Count", "Echo.Chat"].map((name) => foreignEndpoint(name, { stream: "true" })),
  ];
  await edge.register({
    name: "echo",
    domain: "go",
    nodes: [{ id: "go-1", address: foreign.address, metadata: {} }],
    endpoints,
  });
});
afterAll(async () => {
  stub.close();
  await edge[Symbol.asyncDispose]();
  await echo[Symbol.asyncDispose]();
  await foreign[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function headers(values: Readonly<Record<string, string>> = {}): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(values)) metadata.set(key, value);
  return metadata;
}

function say(note: Partial<Note>, values: Readonly<Record<string, string>> = {}, deadline?: number): Promise<Note> {
  return new Promise((resolve, reject) => {
    const options = deadline === undefined ? {} : { deadline };
    stub.say(note, headers(values), options, (error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}

/** Calls with bytes, without a stub. */
function callBytes(path: string, text: string, values: Readonly<Record<string, string>> = {}): Promise<string> {
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    stub.makeUnaryRequest(path, same, same, Buffer.from(text), headers(values), (error: unknown, bytes: Buffer) => {
      if (error === null) resolve(bytes.toString());
      else reject(error);
    });
  });
}

async function failure(call: Promise<unknown>): Promise<{ code: number; body: Record<string, unknown> }> {
  try {
    await call;
  } catch (reason) {
    const { code, details } = reason as ServiceError;
    return { code, body: JSON.parse(details) as Record<string, unknown> };
  }
  throw new Error("the call did not fail");
}

async function log(): Promise<string> {
  return (await say({ text: "log" })).text;
}

describe("proxy, calls to a TypeScript service", () => {
  it("passes a unary call", async () => {
    expect(await say({ text: "grün", count: 7 })).toEqual({ text: "grün", count: 7 });
  });

  it("passes a server stream", async () => {
    const notes: Note[] = [];
    for await (const note of stub.repeat({ text: "a", count: 100 }, headers()) as AsyncIterable<Note>) notes.push(note);
    expect(notes.map((note) => note.count)).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  it("passes a client stream, also one that the service ends early", async () => {
    for (const last of ["c", "enough"]) {
      const answer = await new Promise((resolve, reject) => {
        const stream = stub.join(headers(), (error, note) => (error === null ? resolve(note) : reject(error)));
        for (const text of ["a", last]) stream.write({ text });
        if (last !== "enough") stream.end();
      });
      expect(answer).toEqual({ text: `a ${last}`, count: 2 });
    }
  });

  it("passes a conversation, message by message", async () => {
    const stream = stub.chat(headers());
    const answers = stream[Symbol.asyncIterator]() as AsyncIterator<Note>;
    for (const text of ["one", "two", "three"]) {
      stream.write({ text });
      expect((await answers.next()).value).toEqual({ text, count: 0 });
    }
    stream.end();
    expect((await answers.next()).done).toBe(true);
  });

  it("keeps code, text and details of a failure", async () => {
    const { code, body } = await failure(say({ text: "fail:failed_precondition" }));
    expect(code).toBe(status.FAILED_PRECONDITION);
    expect(body).toEqual({ id: "echo", code: 412, detail: "100% grün\nand more", status: "Precondition Failed" });
  });

  it("passes the deadline on", async () => {
    const { code } = (await say({ text: "wait:late" }, {}, Date.now() + 300).catch(
      (reason: ServiceError) => reason,
    )) as ServiceError;
    expect(code).toBe(status.DEADLINE_EXCEEDED);
    await waitUntil("the handler saw it", async () => /late ended (timeout|cancelled)/.test(await log()));
  });

  it("passes cancellation on, of calls and of streams", async () => {
    const call = stub.say({ text: "wait:left" }, headers(), {}, () => undefined);
    await waitUntil("the handler began", async () => (await log()).includes("left began"));
    call.cancel();
    await waitUntil("the handler ended", async () => (await log()).includes("left ended cancelled"));
    const stream = stub.repeat({ text: "quiet-proxy", count: 5 }, headers());
    stream.on("error", () => undefined);
    await new Promise((resolve) => {
      stream.once("data", resolve);
    });
    stream.cancel();
    await waitUntil("the stream ended", async () => (await log()).includes("quiet-proxy ended cancelled"));
  });

  it("passes metadata, and the namespace that it checked", async () => {
    const seen = async (name: string, values: Readonly<Record<string, string>>): Promise<string> =>
      (await say({ text: `metadata:${name}` }, values)).text;
    expect(await seen("x-trace", { "x-trace": "t-1" })).toStartWith("t-1|");
    expect(await seen("authorization", { authorization: "Bearer token-ann" })).toStartWith("Bearer token-ann|");
    expect(await seen("micro-namespace", { authorization: "Bearer token-foo" })).toStartWith("foo|");
  });
});

describe("proxy, calls to a service of another framework", () => {
  const go = { "micro-namespace": "go" };

  it("passes all four kinds", async () => {
    expect(await callBytes("/echo.Echo/Unary", "bytes", go)).toBe("bytes");
    const client = stub as unknown as Record<string, (...args: unknown[]) => ClientDuplexStream<Buffer, Buffer>>;
    const same = (bytes: Buffer): Buffer => bytes;
    const repeat = client["makeServerStreamRequest"]?.(
      echoDefinition.repeat.path,
      same,
      same,
      Buffer.from("r"),
      headers({ ...go, count: "3" }),
    );
    expect((await repeat?.toArray())?.map(String)).toEqual(["r", "r", "r"]);
    const total = await new Promise((resolve, reject) => {
      const answer = (error: unknown, bytes: Buffer): void =>
        error === null ? resolve(bytes.toString()) : reject(error);
      const stream = client["makeClientStreamRequest"]?.(echoDefinition.count.path, same, same, headers(go), answer);
      stream?.write(Buffer.from("12"));
      stream?.end(Buffer.from("345"));
    });
    expect(total).toBe("5");
    const chat = client["makeBidiStreamRequest"]?.(echoDefinition.chat.path, same, same, headers(go));
    chat?.write(Buffer.from("one"));
    chat?.end(Buffer.from("two"));
    expect((await chat?.toArray())?.map(String)).toEqual(["one", "two"]);
  });

  it("keeps code and text of a failure", async () => {
    const failed = callBytes("/echo.Echo/Fail", "not here", go);
    expect(failed).rejects.toMatchObject({ code: status.NOT_FOUND, details: "not here" });
  });

  it("lets the service say that it lacks an endpoint", async () => {
    const { code } = (await callBytes("/echo.Echo/Nope", "", go).catch(
      (reason: ServiceError) => reason,
    )) as ServiceError;
    expect(code).toBe(status.UNIMPLEMENTED);
  });
});

describe("proxy, refusals", () => {
  for (const [what, path, values, code, body] of [
    [
      "an unknown service",
      "/nobody.Say/Hello",
      {},
      status.NOT_FOUND,
      { code: 404, detail: "service nobody: route not found" },
    ],
    [
      "a service of another namespace",
      "/echo.Echo/Say",
      { "micro-namespace": "empty" },
      status.NOT_FOUND,
      { code: 404 },
    ],
    ["a blank service", "/Echo/Say", {}, status.INVALID_ARGUMENT, { code: 400, detail: "service name is blank" }],
    [
      "another scheme",
      "/echo.Echo/Say",
      { authorization: "Digest x" },
      status.UNAUTHENTICATED,
      { code: 401, detail: "invalid authorization header. expected Bearer schema" },
    ],
    [
      "a token that does not hold",
      "/echo.Echo/Say",
      { authorization: "Bearer x" },
      status.UNAUTHENTICATED,
      { code: 401 },
    ],
    [
      "a namespace of somebody else",
      "/echo.Echo/Say",
      { authorization: "Bearer token-foo", "micro-namespace": "micro" },
      status.PERMISSION_DENIED,
      { code: 403 },
    ],
    [
      "what the rules deny to everybody",
      "/echo.Echo/Plain",
      {},
      status.UNAUTHENTICATED,
      { detail: "Unauthorized call made to echo:Echo.Plain" },
    ],
    [
      "what the rules deny to an account",
      "/echo.Echo/Plain",
      { authorization: "Bearer token-ann" },
      status.PERMISSION_DENIED,
      { detail: "Forbidden call made to echo:Echo.Plain by ann" },
    ],
    [
      "an unknown method of a core service",
      "/registry.Registry/Nope",
      {},
      status.UNIMPLEMENTED,
      { code: 501, detail: "unknown service Registry.Nope" },
    ],
    [
      "an unknown type of a core service",
      "/registry.Nope/Nope",
      {},
      status.UNIMPLEMENTED,
      { detail: "unknown service Nope" },
    ],
    [
      "a core service without an account",
      "/registry.Registry/ListServices",
      {},
      status.UNAUTHENTICATED,
      { detail: "an account is required" },
    ],
  ] as const) {
    it(`answers ${what} in the words that clients look for`, async () => {
      const found = await failure(callBytes(path, "", values));
      expect(found.code).toBe(code);
      expect(found.body).toMatchObject(body);
    });
  }

  it("takes Basic with the token as password, and answers core services to every namespace", async () => {
    const basic = Buffer.from("fred:token-foo").toString("base64");
    const { code } = await failure(
      callBytes("/registry.Registry/ListServices", "", { authorization: `Basic ${basic}` }),
    );
    expect(code).toBe(status.PERMISSION_DENIED);
    const ofFoo = { authorization: "Bearer token-foo", "micro-namespace": "micro" };
    // ListRequest{options{domain: "foo"}}
    expect(await callBytes("/registry.Registry/ListServices", "\n\u0005\u0012\u0003foo", ofFoo)).toContain("echo");
  });

  it("does not let a service speak for an instance that is not its own", async () => {
    // Service{name: "forger", nodes: {id: "n", address: "a", metadata: {instance: "i-2"}}}
    const metadata = "\u0022\u000f\n\u0008instance\u0012\u0003i-2";
    const node = `\n\u0001n\u0012\u0001a${metadata}`;
    const service = `\n\u0006forger*${String.fromCodePoint(node.length)}${node}`;
    await callBytes("/registry.Registry/Register", service, { authorization: `Bearer ${serviceToken}` });
    expect(edge.registry.nodes("forger", "micro")).toMatchObject([{ id: "n", metadata: { instance: "i-1" } }]);
    await callBytes("/registry.Registry/Register", service, { authorization: "Bearer token-admin" });
    expect(edge.registry.nodes("forger", "micro")[0]?.metadata).toEqual({});
  });
});

describe("proxy, nodes that come and go", () => {
  it("skips a dead node, and finds a service that came back elsewhere", async () => {
    const dead = { id: "dead", address: `unix:${folder.path}/dead.sock`, metadata: {} };
    const first = await startEchoServer();
    const endpoints = [foreignEndpoint("Echo.Unary")];
    const nodes = [dead, { id: "alive", address: first.address, metadata: {} }];
    await edge.register({ name: "echo", domain: "moving", nodes, endpoints });
    const moving = { "micro-namespace": "moving" };
    for (let index = 0; index < 10; index += 1) {
      expect(await callBytes("/echo.Echo/Unary", String(index), moving)).toBe(String(index));
    }
    await first[Symbol.asyncDispose]();
    await using second = await startEchoServer();
    await edge.register({
      name: "echo",
      domain: "moving",
      nodes: [{ id: "new", address: second.address, metadata: {} }],
      endpoints,
    });
    expect(await callBytes("/echo.Echo/Unary", "again", moving)).toBe("again");
  });

  it("says that a service cannot be reached when all its nodes are dead", async () => {
    const nodes = [{ id: "dead", address: `unix:${folder.path}/dead.sock`, metadata: {} }];
    await edge.register({ name: "echo", domain: "dead", nodes, endpoints: [] });
    const { code, body } = await failure(callBytes("/echo.Echo/Unary", "", { "micro-namespace": "dead" }));
    expect([code, body["code"]]).toEqual([status.UNAVAILABLE, 503]);
  });
});
