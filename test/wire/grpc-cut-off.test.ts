import { describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import { silentLogger } from "#base/logger.ts";
import type { RpcMethod } from "#rpc/method.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { createClient } from "#service/client.ts";
import { runCommand } from "#testing/run-command.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** How many messages a method saw, and how they ended. */
interface Seen {
  count: number;
  end: string | undefined;
}

/** A server whose only method takes messages and notes how they end. */
async function startListener(seen: Seen[]): Promise<{ address: string } & AsyncDisposable> {
  const method: RpcMethod = {
    kind: "client_stream",
    unary: () => Promise.reject(new Error("a stream is expected")),
    stream: async function* (messages) {
      const note: Seen = { count: 0, end: undefined };
      seen.push(note);
      try {
        for await (const _ of messages) note.count += 1;
        note.end = "complete";
      } catch (reason) {
        note.end = MicroError.from(reason).code;
        throw reason;
      }
      yield new TextEncoder().encode("{}");
    },
  };
  const server = createRpcServer({
    name: "listener",
    logger: silentLogger,
    resolve: () => method,
    guard: () => undefined,
  });
  const listener = await listenRpc({ address: "127.0.0.1:0", server });
  return { address: listener.address, [Symbol.asyncDispose]: () => listener.stop(0) };
}

const clientProgram = `
import { createClient } from "SOURCE";
const client = createClient({ address: "ADDRESS", token: "t", namespace: "micro", variables: {} });
const stop = new AbortController();
async function* messages() {
  yield { text: "first" };
  setTimeout(() => stop.abort(), 50);
  await new Promise(() => undefined);
}
const reason = await client.call("listener", "Listener.Listen", messages(), { signal: stop.signal }).catch((error) => error.code);
console.log(reason);
await client.stop();
`;

describe("a stream of messages over gRPC", () => {
  it("has an end for the service when its sender ends it", async () => {
    const seen: Seen[] = [];
    await using server = await startListener(seen);
    const client = createClient({ address: server.address, token: "t", namespace: "micro", variables: {} });
    async function* messages(): AsyncGenerator<object> {
      yield { text: "first" };
      yield { text: "second" };
    }
    await client.call("listener", "Listener.Listen", messages());
    expect(seen).toEqual([{ count: 2, end: "complete" }]);
    await client.stop();
  });

  it("has no end, but a failure, when its sender cancels or fails", async () => {
    const seen: Seen[] = [];
    await using server = await startListener(seen);
    const client = createClient({ address: server.address, token: "t", namespace: "micro", variables: {} });
    const stop = new AbortController();
    async function* endless(): AsyncGenerator<object> {
      yield { text: "first" };
      await new Promise(() => undefined);
    }
    const call = client.call("listener", "Listener.Listen", endless(), { signal: stop.signal });
    await waitUntil("the first message", () => seen[0]?.count === 1);
    stop.abort();
    await call.catch(() => undefined);
    async function* failing(): AsyncGenerator<object> {
      yield { text: "first" };
      await waitUntil("the first message", () => seen[1]?.count === 1);
      throw new Error("no more");
    }
    await client.call("listener", "Listener.Listen", failing()).catch(() => undefined);
    await waitUntil("both ends", () => seen.length === 2 && seen.every(({ end }) => end !== undefined));
    expect(seen.map(({ end }) => end)).toEqual(["cancelled", "cancelled"]);
    await client.stop();
  });

  it("has no end, but a failure, when its sender cancels on Bun in another process", async () => {
    const seen: Seen[] = [];
    await using server = await startListener(seen);
    const source = new URL("../../src/service/client.ts", import.meta.url).pathname;
    const program = clientProgram.replace("SOURCE", source).replace("ADDRESS", server.address);
    const { stdout } = await runCommand([process.execPath, "-e", program]);
    expect(stdout.trim()).toBe("cancelled");
    await waitUntil("the end", () => seen[0]?.end !== undefined);
    expect(seen).toEqual([{ count: 1, end: "cancelled" }]);
  });
});
