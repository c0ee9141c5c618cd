import { describe, expect, it } from "bun:test";
import type { ErrorCode } from "#base/error-code.ts";
import { MicroError } from "#base/error.ts";
import type { ServiceNode } from "#interface/registry.ts";
import { RpcClient, type RoutedCall, type RpcClientOptions } from "./rpc-client.ts";
import type { Transport } from "./transport.ts";

type Answer = string | { readonly code: ErrorCode; readonly neverSent?: boolean };

/** A transport that gives the answers that were prepared for an address, one a call, and writes down what was asked. */
class ScriptedTransport implements Transport {
  readonly asked: string[] = [];
  readonly #answers: Record<string, Answer[]>;

  constructor(answers: Record<string, Answer[]>) {
    this.#answers = answers;
  }

  async unary(address: string): Promise<Uint8Array> {
    return this.#next(address);
  }

  async *stream(address: string, _call: RoutedCall, messages: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const received: string[] = [];
    for await (const each of messages) received.push(Buffer.from(each).toString());
    this.#next(address);
    yield Buffer.from(received.join(" "));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #next(address: string): Uint8Array {
    this.asked.push(address);
    const answer = this.#answers[address]?.shift() ?? { code: "internal" as const };
    if (typeof answer === "string") return Buffer.from(answer);
    throw new MicroError(answer.code, `${address} said ${answer.code}`, { neverSent: answer.neverSent ?? false });
  }
}

const unreachable: Answer = { code: "unavailable", neverSent: true };
const call: RoutedCall = {
  service: "users",
  endpoint: "Users.Read",
  encoding: "json",
  metadata: {},
  namespace: "acme",
};

function node(address: string, http?: string): ServiceNode {
  return { id: address, address, metadata: http === undefined ? {} : { http } };
}

function createClient(
  nodes: readonly ServiceNode[],
  answers: Record<string, Answer[]>,
  options: RpcClientOptions = {},
): { client: RpcClient; grpc: ScriptedTransport; http: ScriptedTransport } {
  const grpc = new ScriptedTransport(answers);
  const http = new ScriptedTransport(answers);
  const client = new RpcClient({ resolve: () => nodes, grpc, http }, { backoff: { initialMs: 1 }, ...options });
  return { client, grpc, http };
}

async function codeOf(outcome: Promise<Uint8Array>): Promise<string> {
  return outcome.then(
    (answer) => Buffer.from(answer).toString(),
    (reason: unknown) => MicroError.from(reason).code,
  );
}

async function* messages(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

describe("RpcClient.unary()", () => {
  it("says that a service has no route when no node is known", async () => {
    const { client } = createClient([], {});
    const failure = client.unary(call, Buffer.from("")).catch((reason: unknown) => MicroError.from(reason));
    expect(await failure).toMatchObject({ code: "not_found", message: "service users: route not found" });
  });

  it("speaks HTTP to a node that has it, and gRPC to one that has not", async () => {
    const { client, http, grpc } = createClient([node("g:1", "h:1")], { "h:1": ["http"] });
    expect(await codeOf(client.unary(call, Buffer.from("")))).toBe("http");
    expect([http.asked, grpc.asked]).toEqual([["h:1"], []]);
    const plain = createClient([node("g:1")], { "g:1": ["grpc"] });
    expect(await codeOf(plain.client.unary(call, Buffer.from("")))).toBe("grpc");
  });

  it("goes to another node when one cannot be reached", async () => {
    const { client, grpc } = createClient([node("a:1"), node("b:1")], { "a:1": [unreachable], "b:1": ["b", "b"] });
    expect(await codeOf(client.unary(call, Buffer.from("")))).toBe("b");
    expect(grpc.asked.at(-1)).toBe("b:1");
    expect(await codeOf(client.unary(call, Buffer.from("")))).toBe("b");
  });

  it("comes back to the only node after a wait, as often as it is told", async () => {
    const once = createClient([node("a:1")], { "a:1": [unreachable, unreachable, "back"] });
    expect(await codeOf(once.client.unary(call, Buffer.from("")))).toBe("back");
    const dead = createClient(
      [node("a:1")],
      { "a:1": Array.from({ length: 9 }, () => unreachable) },
      { unsentRoundCountMax: 2 },
    );
    expect(await codeOf(dead.client.unary(call, Buffer.from("")))).toBe("unavailable");
    expect(dead.grpc.asked).toHaveLength(3);
  });

  for (const code of ["internal", "timeout"] as const) {
    it(`sends a call that was answered with ${code} once more`, async () => {
      const { client } = createClient([node("a:1")], { "a:1": [{ code }, "second"] });
      expect(await codeOf(client.unary(call, Buffer.from("")))).toBe("second");
      const twice = createClient([node("a:1")], { "a:1": [{ code }, { code }, "third"] });
      expect(await codeOf(twice.client.unary(call, Buffer.from("")))).toBe(code);
      const edge = createClient([node("a:1")], { "a:1": [{ code }, "second"] }, { retryCountMax: 0 });
      expect(await codeOf(edge.client.unary(call, Buffer.from("")))).toBe(code);
    });
  }

  for (const code of [
    "not_found",
    "conflict",
    "unavailable",
    "bad_gateway",
    "too_many_requests",
    "cancelled",
  ] as const) {
    it(`does not repeat a call that was answered with ${code}`, async () => {
      const { client, grpc } = createClient([node("a:1"), node("b:1")], {
        "a:1": [{ code }, "x"],
        "b:1": [{ code }, "x"],
      });
      expect(await codeOf(client.unary(call, Buffer.from("")))).toBe(code);
      expect(grpc.asked).toHaveLength(1);
    });
  }

  it("does not wait past the deadline, and does not repeat what the deadline ended", async () => {
    const { client, grpc } = createClient(
      [node("a:1")],
      { "a:1": [unreachable, "late"] },
      { backoff: { initialMs: 60_000, maxMs: 60_000 } },
    );
    expect(await codeOf(client.unary({ ...call, deadlineMs: Date.now() + 1_000 }, Buffer.from("")))).toBe(
      "unavailable",
    );
    expect(grpc.asked).toHaveLength(1);
    const over = createClient([node("a:1")], { "a:1": [{ code: "timeout" }, "late"] });
    expect(await codeOf(over.client.unary({ ...call, deadlineMs: Date.now() - 1 }, Buffer.from("")))).toBe("timeout");
  });

  it("stops trying when the caller leaves", async () => {
    const leave = new AbortController();
    const { client } = createClient(
      [node("a:1")],
      { "a:1": [unreachable, "late"] },
      { backoff: { initialMs: 60_000, maxMs: 60_000 }, requestTimeoutMs: 600_000 },
    );
    const outcome = codeOf(client.unary({ ...call, signal: leave.signal }, Buffer.from("")));
    setImmediate(() => leave.abort());
    expect(await outcome).toBe("cancelled");
  });
});

describe("RpcClient.stream()", () => {
  const read = async (answers: AsyncIterable<Uint8Array>): Promise<string> => {
    const all: string[] = [];
    for await (const each of answers) all.push(Buffer.from(each).toString());
    return all.join(",");
  };

  it("goes over gRPC, and over HTTP where the kind allows it", async () => {
    const { client, grpc, http } = createClient([node("g:1", "h:1")], { "g:1": ["x", "x"], "h:1": ["x"] });
    await read(client.stream(call, messages("m")));
    await read(client.stream({ ...call, kind: "bidi_stream" }, messages("m")));
    await read(client.stream({ ...call, kind: "server_stream" }, messages("m")));
    expect([grpc.asked, http.asked]).toEqual([["g:1", "g:1"], ["h:1"]]);
  });

  it("sends all messages again to another node when one did not take the call", async () => {
    const { client, grpc } = createClient([node("a:1"), node("b:1")], { "a:1": [unreachable], "b:1": ["x"] });
    expect(await read(client.stream(call, messages("m", "n")))).toBe("m n");
    expect(grpc.asked).toEqual(["a:1", "b:1"]);
  });

  it("repeats no stream that was answered", async () => {
    const { client, grpc } = createClient([node("a:1")], { "a:1": [{ code: "internal" }, "x"] });
    const failure = read(client.stream(call, messages("m"))).catch((reason: unknown) => MicroError.from(reason).code);
    expect(await failure).toBe("internal");
    expect(grpc.asked).toHaveLength(1);
  });
});
