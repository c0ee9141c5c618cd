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
import { waitUntil } from "#testing/wait-until.ts";
import type { Note } from "./echo-service.ts";
import { startEcho, type EchoServer, type Runtime } from "./start-echo.ts";

const definition = loadPackageDefinition(
  loadSync(join(import.meta.dir, "echo.proto"), { keepCase: true, defaults: true }),
);
const EchoClient = (definition["echo"] as GrpcObject)["Echo"] as ServiceClientConstructor;

type Answer = (error: ServiceError | null, note: Note) => void;

interface Stub {
  say(note: Partial<Note>, metadata: Metadata, options: { deadline?: number }, answer: Answer): { cancel(): void };
  repeat(note: Partial<Note>): ClientReadableStream<Note>;
  join(answer: Answer): ClientWritableStream<Partial<Note>>;
  chat(): ClientDuplexStream<Partial<Note>, Note>;
  close(): void;
}

function connectTo(address: string): Stub & Disposable {
  const client = new EchoClient(address, credentials.createInsecure(), { "grpc.max_receive_message_length": -1 });
  return Object.assign(client as unknown as Stub, { [Symbol.dispose]: () => client.close() });
}

function say(stub: Stub, note: Partial<Note>, options: { deadline?: number } = {}): Promise<Note> {
  return new Promise((resolve, reject) => {
    stub.say(note, new Metadata(), options, (error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}

async function failure(call: Promise<unknown>): Promise<ServiceError> {
  try {
    await call;
  } catch (reason) {
    return reason as ServiceError;
  }
  throw new Error("the call did not fail");
}

async function collect(notes: AsyncIterable<Note>): Promise<Note[]> {
  const all: Note[] = [];
  for await (const each of notes) all.push(each);
  return all;
}

describe.each(["bun", "node"] as Runtime[])("grpc-js against listenRpc() on %s", (runtime) => {
  let server: EchoServer;
  beforeAll(async () => {
    server = await startEcho(runtime);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("calls a unary method", async () => {
    using stub = connectTo(server.rpc);
    expect(await say(stub, { text: "grün", count: 7 })).toEqual({ text: "grün", count: 7 });
  });

  it("calls over a unix socket", async () => {
    using stub = connectTo(server.rpcUnix);
    expect(await say(stub, { text: "hi", count: 1 })).toEqual({ text: "hi", count: 1 });
  });

  it("reads a server stream", async () => {
    using stub = connectTo(server.rpc);
    const notes = await collect(stub.repeat({ text: "a", count: 200 }));
    expect(notes.map((each) => each.count)).toEqual(Array.from({ length: 200 }, (_, index) => index));
  });

  it("sends a client stream", async () => {
    using stub = connectTo(server.rpc);
    const answer = await new Promise((resolve, reject) => {
      const stream = stub.join((error, note) => (error === null ? resolve(note) : reject(error)));
      for (const text of ["a", "b", "c"]) stream.write({ text });
      stream.end();
    });
    expect(answer).toEqual({ text: "a b c", count: 3 });
  });

  it("gets the answer of a client stream that the service ends early", async () => {
    using stub = connectTo(server.rpc);
    const answer = await new Promise((resolve, reject) => {
      const stream = stub.join((error, note) => (error === null ? resolve(note) : reject(error)));
      stream.write({ text: "enough" });
    });
    expect(answer).toEqual({ text: "enough", count: 1 });
  });

  it("talks both ways", async () => {
    using stub = connectTo(server.rpc);
    const stream = stub.chat();
    const answers = stream[Symbol.asyncIterator]() as AsyncIterator<Note>;
    for (const text of ["one", "two", "three"]) {
      stream.write({ text });
      expect((await answers.next()).value).toEqual({ text, count: 0 });
    }
    stream.end();
    expect((await answers.next()).done).toBe(true);
  });

  it("moves large messages both ways", async () => {
    using stub = connectTo(server.rpc);
    const text = "0123456789".repeat(800_000);
    expect((await say(stub, { text })).text).toBe(text);
  });

  it("gets code, JSON text and details of a failure", async () => {
    using stub = connectTo(server.rpc);
    const error = await failure(say(stub, { text: "fail:not_found" }));
    expect(error.code).toBe(status.NOT_FOUND);
    const body = { id: "echo", code: 404, detail: "100% grün\nand more", status: "Not Found" };
    expect(JSON.parse(error.details)).toEqual(body);
    const [details] = error.metadata.get("grpc-status-details-bin");
    expect(Buffer.from(details as Buffer).toString()).toContain("type.googleapis.com/Error");
  });

  it("gets internal without a stack when the handler crashes", async () => {
    using stub = connectTo(server.rpc);
    const error = await failure(say(stub, { text: "crash" }));
    expect(error.code).toBe(status.INTERNAL);
    expect(JSON.parse(error.details)).toMatchObject({
      id: "echo",
      code: 500,
      detail: "undefined is not a grün function",
    });
    expect(await say(stub, { text: "alive" })).toMatchObject({ text: "alive" });
  });

  it("gets the failure of a stream after its messages", async () => {
    using stub = connectTo(server.rpc);
    const stream = stub.repeat({ text: "fail", count: 2 });
    const notes: Note[] = [];
    const error = await failure(
      (async () => {
        for await (const each of stream as AsyncIterable<Note>) notes.push(each);
      })(),
    );
    expect(notes).toHaveLength(2);
    expect(error.code).toBe(status.ALREADY_EXISTS);
  });

  it("is told unimplemented for an unknown method", async () => {
    using stub = connectTo(server.rpc);
    const client = stub as unknown as { makeUnaryRequest: (...args: unknown[]) => void };
    const error = await failure(
      new Promise((resolve, reject) => {
        const same = (bytes: Buffer): Buffer => bytes;
        client.makeUnaryRequest("/echo.Echo/Nope", same, same, Buffer.alloc(0), (reason: unknown) =>
          reason === null ? resolve(undefined) : reject(reason),
        );
      }),
    );
    expect(error.code).toBe(status.UNIMPLEMENTED);
    expect(error.details).toContain("unknown service Echo.Nope");
  });

  it("is told that the deadline passed", async () => {
    using stub = connectTo(server.rpc);
    const error = await failure(say(stub, { text: "wait:deadline" }, { deadline: Date.now() + 300 }));
    expect(error.code).toBe(status.DEADLINE_EXCEEDED);
    await waitUntil("the handler saw the deadline", async () => {
      const { text } = await say(stub, { text: "log" });
      return /deadline ended (timeout|cancelled)/.test(text);
    });
  });

  it("reaches the handler when it cancels", async () => {
    using stub = connectTo(server.rpc);
    const call = stub.say({ text: "wait:gone" }, new Metadata(), {}, () => undefined);
    await waitUntil("the handler began", async () => (await say(stub, { text: "log" })).text.includes("gone began"));
    call.cancel();
    await waitUntil("the handler ended", async () =>
      (await say(stub, { text: "log" })).text.includes("gone ended cancelled"),
    );
  });

  it("reaches the handler of a quiet stream when it cancels", async () => {
    using stub = connectTo(server.rpc);
    const stream = stub.repeat({ text: "quiet", count: 5 });
    stream.on("error", () => undefined);
    await new Promise((resolve) => {
      stream.once("data", resolve);
    });
    stream.cancel();
    await waitUntil("the handler ended", async () =>
      (await say(stub, { text: "log" })).text.includes("quiet ended cancelled"),
    );
  });
});
