import { describe, expect, it } from "bun:test";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import type { OutgoingCall } from "#rpc/transport.ts";
import { failureOf } from "./outcome.ts";
import { startKillable } from "./start-killable.ts";

const keepAlive = { silencesMs: [100, 200], timeoutMs: 300 };
const note = (text: string, count = 0): Uint8Array => Buffer.from(JSON.stringify({ text, count }));

function outgoing(method: string): OutgoingCall {
  return { service: "echo", endpoint: `Echo.${method}`, encoding: "json", metadata: {} };
}

async function* one(message: Uint8Array): AsyncGenerator<Uint8Array> {
  yield message;
}

describe("GrpcTransport towards a server that hangs", () => {
  it("ends calls and streams without a deadline when it answers no ping", async () => {
    await using server = await startKillable("127.0.0.1:0");
    const transport = new GrpcTransport({ keepAlive });
    const stream = transport.stream(server.address, outgoing("Repeat"), one(note("quiet", 5)))[Symbol.asyncIterator]();
    expect((await stream.next()).done).toBe(false);
    // Both have a connection that stands.
    await transport.unary(server.address, outgoing("Say"), note("x"));
    server.suspend();
    const next = failureOf(stream.next());
    const call = failureOf(transport.unary(server.address, outgoing("Say"), note("x")));
    for (const failure of await Promise.all([next, call])) {
      expect(failure).toMatchObject({ code: "unavailable", neverSent: false });
    }
    server.resume();
    await transport.unary(server.address, outgoing("Say"), note("x"));
    await transport.close();
  }, 20_000);

  it("leaves alone a server that is only slow to answer", async () => {
    await using server = await startKillable("127.0.0.1:0");
    const transport = new GrpcTransport({ keepAlive });
    const answer = await transport.unary(server.address, outgoing("Say"), note("slow", 1_500));
    expect(Buffer.from(answer).toString()).toContain("slow");
    await transport.close();
  }, 20_000);
});
