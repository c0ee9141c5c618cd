import { describe, expect, it } from "bun:test";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import type { OutgoingCall } from "#rpc/transport.ts";
import { startEcho, type Runtime } from "./start-echo.ts";

const note = (text: string, count: number): Uint8Array => Buffer.from(JSON.stringify({ text, count }));

function outgoing(method: string): OutgoingCall {
  return { service: "echo", endpoint: `Echo.${method}`, encoding: "json", metadata: {} };
}

async function* one(message: Uint8Array): AsyncGenerator<Uint8Array> {
  yield message;
}

describe("GrpcTransport with streams that nobody reads", () => {
  for (const runtime of ["bun", "node"] as const satisfies Runtime[]) {
    it(`answers other calls on the same connection to a server on ${runtime}`, async () => {
      await using server = await startEcho(runtime);
      const transport = new GrpcTransport({ connectionsPerAddressMax: 1 });
      const text = "x".repeat(64 * 1024);
      const stuck = Array.from({ length: 4 }, () =>
        transport.stream(server.rpc, outgoing("Repeat"), one(note(text, 2_000)))[Symbol.asyncIterator](),
      );
      await Promise.all(stuck.map((each) => each.next()));
      for (let call = 0; call < 50; call += 1) await transport.unary(server.rpc, outgoing("Say"), note("x", call));
      // A slow reader still gets everything.
      let count = 1;
      for (let next = await stuck[0]?.next(); next?.done === false; next = await stuck[0]?.next()) count += 1;
      expect(count).toBe(2_000);
      await Promise.all(stuck.slice(1).map((each) => each.return?.()));
      await transport.close();
    }, 30_000);

    it(`goes on with a conversation that was held up on both sides, with a server on ${runtime}`, async () => {
      await using server = await startEcho(runtime);
      const transport = new GrpcTransport({ connectionsPerAddressMax: 1 });
      const progress = { sentCount: 0 };
      const messageCount = 1_000;
      async function* many(): AsyncGenerator<Uint8Array> {
        for (; progress.sentCount < messageCount; progress.sentCount += 1) yield note("x".repeat(16 * 1024), 1);
      }
      const answers = transport.stream(server.rpc, outgoing("Chat"), many())[Symbol.asyncIterator]();
      await answers.next();
      let before = -1;
      while (progress.sentCount !== before) {
        before = progress.sentCount;
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      expect(before).toBeLessThan(messageCount);
      let count = 1;
      for (let next = await answers.next(); next.done === false; next = await answers.next()) count += 1;
      expect(count).toBe(messageCount);
      await transport.close();
    }, 30_000);
  }
});
