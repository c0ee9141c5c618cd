import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import type { OutgoingCall } from "#rpc/transport.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { startEchoServer } from "./grpc-js-echo.ts";
import { collect, failureOf } from "./outcome.ts";

const encoder = new TextEncoder();

function outgoing(endpoint: string, rest: Partial<OutgoingCall> = {}): OutgoingCall {
  return { service: "echo", endpoint: `Echo.${endpoint}`, encoding: "json", metadata: {}, ...rest };
}

async function* messages(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield encoder.encode(text);
}

describe("GrpcTransport against @grpc/grpc-js", () => {
  it("carries a unary call with its metadata and both timeouts", async () => {
    await using server = await startEchoServer();
    const transport = new GrpcTransport();
    const call = outgoing("Unary", {
      metadata: { "micro-namespace": "acme", connection: "close" },
      deadlineMs: Date.now() + 30_000,
    });
    const answer = await transport.unary(server.address, call, encoder.encode(`{"a":1}`));
    expect(Buffer.from(answer).toString()).toBe(`{"a":1}`);
    const seen = server.record.metadata[0]?.getMap() ?? {};
    expect(seen["micro-namespace"]).toBe("acme");
    expect(seen["connection"]).toBeUndefined();
    expect(Number(seen["timeout"])).toBeGreaterThan(20e9);
    await transport.close();
  });

  it("throws the error that the service sends as JSON", async () => {
    await using server = await startEchoServer();
    const transport = new GrpcTransport();
    const body = JSON.stringify({ id: "users", code: 409, detail: "naïve conflict", status: "Conflict" });
    const error = await failureOf(transport.unary(server.address, outgoing("Fail"), encoder.encode(body)));
    expect([error.code, error.id, error.detail]).toEqual(["conflict", "users", "naïve conflict"]);
    const plain = await failureOf(transport.unary(server.address, outgoing("Fail"), encoder.encode("no such user")));
    expect([plain.code, plain.detail]).toEqual(["not_found", "no such user"]);
    const unknown = await failureOf(transport.unary(server.address, outgoing("Nope"), encoder.encode("")));
    expect(unknown.code).toBe("unimplemented");
    await transport.close();
  });

  it("reads a server stream to its end", async () => {
    await using server = await startEchoServer();
    const transport = new GrpcTransport();
    const call = outgoing("Repeat", { metadata: { count: "500" } });
    const answers = await collect(transport.stream(server.address, call, messages("x")));
    expect(answers.length).toBe(500);
    await transport.close();
  });

  it("sends a client stream and reads its one answer", async () => {
    await using server = await startEchoServer();
    const transport = new GrpcTransport();
    const answers = await collect(transport.stream(server.address, outgoing("Count"), messages("aa", "bbb", "c")));
    expect(answers.map((each) => Buffer.from(each).toString())).toEqual(["6"]);
    await transport.close();
  });

  it("holds a conversation, each message sent after the answer to the last", async () => {
    await using server = await startEchoServer();
    const transport = new GrpcTransport();
    let answered: () => void = () => undefined;
    async function* talk(): AsyncGenerator<Uint8Array> {
      for (let turn = 0; turn < 20; turn += 1) {
        const wait = new Promise<void>((resolve) => {
          answered = resolve;
        });
        yield encoder.encode(`turn ${turn}`);
        await wait;
      }
    }
    const heard: string[] = [];
    for await (const answer of transport.stream(server.address, outgoing("Chat"), talk())) {
      heard.push(Buffer.from(answer).toString());
      answered();
    }
    expect(heard).toHaveLength(20);
    await transport.close();
  });

  it("speaks over a unix socket", async () => {
    const folder = mkdtempSync(join(tmpdir(), "grpc-"));
    const path = `unix:${join(folder, "echo.sock")}`;
    await using server = await startEchoServer(path);
    const transport = new GrpcTransport();
    const answer = await transport.unary(server.address, outgoing("Unary"), encoder.encode("hi"));
    expect(Buffer.from(answer).toString()).toBe("hi");
    await transport.close();
    rmSync(folder, { recursive: true });
  });

  it("ends a call when its deadline passes, and tells the server", async () => {
    await using server = await startEchoServer();
    const transport = new GrpcTransport();
    const call = outgoing("Hang", { deadlineMs: Date.now() + 50 });
    const error = await failureOf(transport.unary(server.address, call, encoder.encode("x")));
    expect([error.code, error.detail]).toEqual(["timeout", "context deadline exceeded"]);
    await waitUntil("the server sees the cancellation", () => server.record.cancelledCount === 1);
    await transport.close();
  });

  it("ends a call when its signal aborts, and tells the server", async () => {
    await using server = await startEchoServer();
    const transport = new GrpcTransport();
    const leave = new AbortController();
    const failure = failureOf(
      transport.unary(server.address, outgoing("Hang", { signal: leave.signal }), encoder.encode("x")),
    );
    await waitUntil("the server sees the call", () => server.record.callCount === 1);
    leave.abort();
    expect((await failure).code).toBe("cancelled");
    await waitUntil("the server sees the cancellation", () => server.record.cancelledCount === 1);
    await transport.close();
  });

  it("cancels a stream that its reader leaves, also while it waits", async () => {
    await using server = await startEchoServer();
    const transport = new GrpcTransport();
    const endless = outgoing("Repeat", { metadata: { count: "100000000" } });
    for await (const answer of transport.stream(server.address, endless, messages("x"))) {
      expect(answer.byteLength).toBe(1);
      break;
    }
    await waitUntil("the server sees the cancellation", () => server.record.cancelledCount === 1);
    const chat = transport.stream(server.address, outgoing("Chat"), silence())[Symbol.asyncIterator]();
    const waiting = chat.next();
    await chat.return?.();
    expect((await waiting).done).toBe(true);
    await transport.close();
  });

  it("carries 1,000 calls at once, and 300 streams beside", async () => {
    await using server = await startEchoServer();
    const transport = new GrpcTransport();
    const streams = Array.from({ length: 300 }, () =>
      collect(transport.stream(server.address, outgoing("Repeat", { metadata: { count: "20" } }), messages("x"))),
    );
    const calls = Array.from({ length: 1_000 }, (_, index) =>
      transport.unary(server.address, outgoing("Unary"), encoder.encode(String(index))),
    );
    const answers = await Promise.all(calls);
    expect(answers.every((answer, index) => Buffer.from(answer).toString() === String(index))).toBe(true);
    expect((await Promise.all(streams)).every((each) => each.length === 20)).toBe(true);
    await transport.close();
  });

  it("answers every call while servers shut down gracefully and come back", async () => {
    let server = await startEchoServer();
    const { address } = server;
    const transport = new GrpcTransport();
    const outcome = { answered: 0, neverSent: 0, others: [] as string[] };
    const state = { isOver: false };
    const load = Array.from({ length: 16 }, async () => {
      while (!state.isOver) {
        try {
          await transport.unary(address, outgoing("Unary"), encoder.encode("x"));
          outcome.answered += 1;
        } catch (reason) {
          const error = MicroError.from(reason);
          if (error.neverSent) outcome.neverSent += 1;
          else outcome.others.push(error.detail);
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    });
    for (let round = 1; round <= 5; round += 1) {
      const before = outcome.answered;
      await waitUntil("more calls were answered", () => outcome.answered > before + 200);
      await new Promise<void>((resolve) => server.server.tryShutdown(() => resolve()));
      server = await startEchoServer(address);
    }
    state.isOver = true;
    await Promise.all(load);
    expect(outcome.others).toEqual([]);
    expect(outcome.answered).toBeGreaterThan(1_000);
    await transport.close();
    await server[Symbol.asyncDispose]();
  });

  it("says which service at which address could not be reached", async () => {
    const transport = new GrpcTransport();
    const address = await freeAddress();
    const error = await failureOf(transport.unary(address, outgoing("Unary"), encoder.encode("x")));
    expect([error.code, error.neverSent]).toEqual(["unavailable", true]);
    expect(error.detail).toBe(`echo at ${address}: connection refused`);
    const missing = await failureOf(transport.unary("unix:/nowhere/x.sock", outgoing("Unary"), encoder.encode("x")));
    expect(missing.detail).toBe("echo at unix:/nowhere/x.sock: connection refused, no such socket");
    await transport.close();
  });
});

async function* silence(): AsyncGenerator<Uint8Array> {
  await new Promise(() => undefined);
  yield new Uint8Array(0);
}

async function freeAddress(): Promise<string> {
  const server = await startEchoServer();
  await server[Symbol.asyncDispose]();
  return server.address;
}
