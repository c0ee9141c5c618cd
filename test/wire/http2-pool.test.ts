import { createServer, type Server, type Socket } from "node:net";
import { describe, expect, it } from "bun:test";
import { Http2Pool, type Http2PoolOptions } from "#rpc/http2-pool.ts";
import { Http2Session } from "#rpc/http2-session.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { startEchoServer } from "./grpc-js-echo.ts";
import { failureOf } from "./outcome.ts";

function createPool(options?: Http2PoolOptions): Http2Pool<Http2Session> {
  return new Http2Pool((session) => new Http2Session(session), options);
}

async function acquire(pool: Http2Pool<Http2Session>, address: string): Promise<Http2Session> {
  return pool.acquire(address);
}

describe("Http2Pool.acquire()", () => {
  it("opens another connection when one has its share of calls, up to the limit", async () => {
    await using server = await startEchoServer();
    const pool = createPool({ callsPerConnection: 2, connectionsPerAddressMax: 3 });
    const sessions = await Promise.all(Array.from({ length: 8 }, () => acquire(pool, server.address)));
    expect(pool.connectionCount(server.address)).toBe(3);
    expect(sessions.reduce((most, session) => Math.max(most, session.callCount), 0)).toBe(3);
    for (const session of sessions) session.release();
    pool.close();
  });

  it("gives a connection that stands at once", async () => {
    await using server = await startEchoServer();
    const pool = createPool();
    (await acquire(pool, server.address)).release();
    const session = pool.acquire(server.address);
    expect(session instanceof Promise).toBe(false);
    pool.close();
  });

  it("closes connections that have had no call for a while, and no others", async () => {
    await using server = await startEchoServer();
    await using other = await startEchoServer();
    const pool = createPool({ idleMs: 20 });
    const held = await acquire(pool, server.address);
    (await acquire(pool, other.address)).release();
    await waitUntil("the other address has no connection", () => pool.connectionCount(other.address) === 0);
    expect(held.state.kind).toBe("up");
    held.release();
    await waitUntil("the address has no connection", () => pool.connectionCount(server.address) === 0);
    pool.close();
  });

  it("fails each call that waits when no connection comes to stand", async () => {
    const pool = createPool();
    const failures = await Promise.all(Array.from({ length: 5 }, () => failureOf(acquire(pool, "127.0.0.1:1"))));
    for (const error of failures) expect([error.code, error.neverSent]).toEqual(["unavailable", true]);
    expect(pool.connectionCount("127.0.0.1:1")).toBe(0);
    pool.close();
  });

  it("fails a call when the peer speaks another protocol", async () => {
    const open: Socket[] = [];
    const server: Server = createServer((socket) => {
      open.push(socket);
      socket.on("error", () => undefined);
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    const address = `127.0.0.1:${typeof bound === "object" ? bound?.port : 0}`;
    const pool = createPool();
    const session = await acquire(pool, address).catch(() => undefined);
    await waitUntil("the address has no connection", () => pool.connectionCount(address) === 0);
    session?.release();
    for (const socket of open) socket.destroy();
    server.close();
    pool.close();
  });
});
