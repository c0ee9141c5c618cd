import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { silentLogger } from "#base/logger.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { foreignEndpoint, startEdge, type Edge } from "./edge.ts";
import { dial, RawCall } from "./http2-call.ts";

const messageBytes = 64 * 1024;
const source = { sentCount: 0, openCount: 0 };

let edge: Edge;
let endless: HttpListener;

beforeAll(async () => {
  edge = await startEdge();
  endless = await listenRpc({
    address: "127.0.0.1:0",
    server: createRpcServer({
      logger: silentLogger,
      name: "endless",
      resolve: () => ({
        kind: "server_stream",
        unary: () => Promise.reject(new Error("there is no such call")),
        stream: async function* () {
          source.openCount += 1;
          try {
            for (;;) {
              source.sentCount += 1;
              yield new Uint8Array(messageBytes);
            }
          } finally {
            source.openCount -= 1;
          }
        },
      }),
    }),
  });
  await edge.register({
    name: "endless",
    domain: "micro",
    nodes: [{ id: "e", address: endless.address, metadata: {} }],
    endpoints: [foreignEndpoint("A.Stream", { stream: "true" })],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await endless.stop(0);
});

function open(session: ReturnType<typeof dial>): RawCall {
  return new RawCall(session, { ":path": "/endless.A/Stream", "content-type": "application/grpc+proto" }).send({});
}

describe("the proxy between a quick service and a caller who does not read", () => {
  it("holds the service back, so that nothing piles up", async () => {
    const session = dial(edge.proxy);
    const { stream } = open(session);
    stream.pause();
    let before = -1;
    await waitUntil("the service is held back", async () => {
      const isStill = before === source.sentCount;
      before = source.sentCount;
      if (!isStill) await Bun.sleep(200);
      return isStill && before > 0;
    });
    // Both windows, both queues and what the sockets hold: a few dozen MiB at most, of a stream without end.
    expect(before * messageBytes).toBeLessThan(64 * 1024 * 1024);
    stream.close();
    await waitUntil("the service was told that nobody listens", () => source.openCount === 0);
    session.destroy();
  }, 30_000);

  it("ends the streams of callers whose connection is cut", async () => {
    const session = dial(edge.proxy);
    for (let each = 0; each < 10; each += 1) open(session).stream.pause();
    await waitUntil("all are open", () => source.openCount === 10);
    session.destroy();
    await waitUntil("all have ended", () => source.openCount === 0);
  }, 30_000);

  it("ends the stream of a caller when the service dies, with a status", async () => {
    const session = dial(edge.proxy);
    const call = open(session);
    await waitUntil("it is open", () => call.messages.length > 0);
    await endless.stop(0);
    await call.closed();
    expect(["13", "14"]).toContain(String(call.status));
    session.destroy();
  }, 30_000);
});
