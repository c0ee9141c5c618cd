import { describe, expect, it } from "bun:test";
import { connect, createServer, type Server, type Socket } from "node:net";
import { limits } from "#base/limits.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { ConnectionTable, type Connection } from "./connection-table.ts";

interface Pair extends AsyncDisposable {
  readonly table: ConnectionTable;
  readonly connection: Connection;
  readonly client: Socket;
}

async function openPair(): Promise<Pair> {
  const table = new ConnectionTable();
  const accepted = Promise.withResolvers<Connection | undefined>();
  const server: Server = createServer((socket) => {
    socket.resume();
    accepted.resolve(table.add(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const client = connect(typeof address === "object" && address !== null ? address.port : 0, "127.0.0.1");
  client.on("error", () => undefined);
  client.resume();
  const connection = await accepted.promise;
  if (connection === undefined) throw new Error("the connection was refused");
  return {
    table,
    connection,
    client,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await table.drain(0);
    },
  };
}

describe("ConnectionTable.sweep()", () => {
  it("closes a connection that shows no request in time", async () => {
    await using pair = await openPair();
    pair.table.sweep(Date.now() + limits.headerTimeoutMs - 1_000);
    expect(pair.connection.socket.destroyed).toBe(false);
    pair.table.sweep(Date.now() + limits.headerTimeoutMs + 1_000);
    expect(pair.connection.socket.destroyed).toBe(true);
  });

  it("keeps one whose call takes long", async () => {
    await using pair = await openPair();
    pair.table.begin(pair.connection);
    pair.table.sweep(Date.now() + 10 * limits.connectionIdleMs);
    expect(pair.connection.socket.destroyed).toBe(false);
  });

  it("closes one that saw no call for a long time", async () => {
    await using pair = await openPair();
    pair.table.begin(pair.connection);
    pair.table.finish(pair.connection);
    pair.table.sweep(Date.now() + limits.headerTimeoutMs + 1_000);
    expect(pair.connection.socket.destroyed).toBe(false);
    pair.table.sweep(Date.now() + limits.connectionIdleMs + 1_000);
    expect(pair.connection.socket.destroyed).toBe(true);
  });

  it("closes one whose next request does not come to an end", async () => {
    await using pair = await openPair();
    pair.table.begin(pair.connection);
    pair.table.finish(pair.connection);
    pair.client.write("POST /slow");
    await waitUntil("the bytes came", () => pair.connection.socket.bytesRead > 0);
    const nowMs = Date.now();
    pair.table.sweep(nowMs);
    pair.table.sweep(nowMs + limits.headerTimeoutMs - 1);
    expect(pair.connection.socket.destroyed).toBe(false);
    pair.table.sweep(nowMs + limits.headerTimeoutMs + 1);
    expect(pair.connection.socket.destroyed).toBe(true);
  });
});

describe("ConnectionTable.drain()", () => {
  it("refuses connections from then on", async () => {
    const pair = await openPair();
    await pair.table.drain(0);
    expect(pair.table.isDraining).toBe(true);
    expect(pair.table.add(pair.connection.socket)).toBeUndefined();
    await pair[Symbol.asyncDispose]();
  });
});
