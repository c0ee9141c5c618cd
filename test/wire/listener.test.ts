import { describe, expect, it } from "bun:test";
import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { connect } from "node:http2";
import { connect as connectNet } from "node:net";
import { MicroError } from "#base/error.ts";
import { silentLogger } from "#base/logger.ts";
import { listenHttp as listenBun } from "#rpc/platform/bun/http-listener.ts";
import { listenHttp as listenNode } from "#rpc/platform/node/http-listener.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { resolveTables } from "#rpc/service-table.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { createEchoTable } from "./echo-service.ts";
import { dial, RawCall } from "./http2-call.ts";

const server = createRpcServer({ resolve: resolveTables([createEchoTable()]), logger: silentLogger, name: "echo" });

const listen: Record<string, (address: string) => Promise<HttpListener>> = {
  "listenRpc()": (address) => listenRpc({ address, server }),
  "listenHttp() on Bun": (address) => listenBun({ address, handler: server.handleHttp }),
  "listenHttp() on Node": (address) => listenNode({ address, handler: server.handleHttp }),
};

function say(address: string, note: object): Promise<Response> {
  return fetch(`http://${address}/echo.Echo/Say`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(note),
  });
}

async function failure(work: Promise<unknown>): Promise<MicroError> {
  return MicroError.from(
    await work.then(
      () => undefined,
      (reason: unknown) => reason,
    ),
  );
}

async function log(address: string): Promise<string> {
  const answer = (await (await say(address, { text: "log" })).json()) as { text: string };
  return answer.text;
}

describe.each(Object.entries(listen))("%s", (_name, start) => {
  it("says in one line that a port is taken", async () => {
    const first = await start("127.0.0.1:0");
    const error = await failure(start(first.address));
    expect([error.code, error.detail]).toEqual(["conflict", `${first.address} is in use by another program`]);
    await first.stop(0);
  });

  it("refuses what is no address of this machine", async () => {
    expect((await failure(start("192.0.2.1:0"))).code).toBe("invalid_argument");
    expect((await failure(start("nonsense"))).code).toBe("invalid_argument");
  });

  it("makes a socket file for its owner alone, and removes it", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/a.sock`;
    const listener = await start(`unix:${path}`);
    expect(listener.address).toBe(`unix:${path}`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await listener.stop(0);
    expect(await stat(path).catch(() => "gone")).toBe("gone");
  });

  it("replaces a socket file that nobody listens on, and no other", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/a.sock`;
    const killed = Bun.spawn([
      process.execPath,
      "-e",
      `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`,
    ]);
    await killed.exited;
    expect((await stat(path)).isSocket()).toBe(true);
    const listener = await start(`unix:${path}`);
    expect((await failure(start(`unix:${path}`))).detail).toBe(`unix:${path} is in use by another program`);
    await listener.stop(0);
    await writeFile(path, "precious");
    expect((await failure(start(`unix:${path}`))).detail).toBe(`${path} exists and is not a socket`);
  });

  it("says that the folder of a socket file is missing", async () => {
    await using folder = await createTempFolder();
    const error = await failure(start(`unix:${folder.path}/missing/a.sock`));
    expect(error.code).toBe("failed_precondition");
    expect(error.detail).not.toContain("\n");
  });

  it.skipIf(process.getuid?.() === 0)("says that a folder may not be written", async () => {
    await using folder = await createTempFolder();
    await mkdir(`${folder.path}/closed`);
    await chmod(`${folder.path}/closed`, 0o500);
    expect((await failure(start(`unix:${folder.path}/closed/a.sock`))).code).toBe("permission_denied");
  });

  it("lets the calls in flight end, refuses new ones, and stops once", async () => {
    const listener = await start("127.0.0.1:0");
    const slow = say(listener.address, { text: "slow", count: 300 });
    const began = say(listener.address, { text: "wait:drain" }).then(
      (each) => each.status,
      () => "cut",
    );
    await waitUntil("the call began", async () => (await log(listener.address)).includes("drain began"));
    const stopping = [listener.stop(500), listener.stop(500)];
    expect((await slow).status).toBe(200);
    await Promise.all(stopping);
    // What did not end in time was cut off.
    expect(await began).toBe("cut");
    expect(await say(listener.address, {}).catch(() => "refused")).toBe("refused");
  });

  it("finishes a large answer to a slow reader before it stops", async () => {
    const listener = await start("127.0.0.1:0");
    const [host, port] = listener.address.split(":");
    const socket = connectNet(Number(port), host);
    const body = JSON.stringify({ text: "big", count: 8_000_000 });
    socket.write(
      `POST /echo.Echo/Say HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    let size = 0;
    socket.on("data", (chunk: Buffer) => {
      size += chunk.byteLength;
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    });
    await waitUntil("the answer began", () => size > 0);
    await listener.stop(20_000);
    await waitUntil("the whole answer", () => size > 8_000_000);
    socket.destroy();
  });
});

describe("listenRpc().stop()", () => {
  it("tells HTTP/2 callers, lets their streams end, and ends", async () => {
    const listener = await listenRpc({ address: "127.0.0.1:0", server });
    const session = dial(listener.address);
    const chat = new RawCall(session, { ":path": "/echo.Echo/Chat" }).send({ text: "a" });
    await waitUntil("the first answer", () => chat.messages.length === 1);
    const told = new Promise<number>((resolve) => {
      session.once("goaway", resolve);
    });
    const stopped = listener.stop(10_000);
    expect(await told).toBe(0);
    chat.send({ text: "b" }).send({ text: "end" });
    await chat.closed();
    expect(chat.messages).toHaveLength(2);
    expect(chat.status).toBe("0");
    await stopped;
  });

  it("cuts off streams that do not end in time, and tells their handlers", async () => {
    const listener = await listenRpc({ address: "127.0.0.1:0", server });
    const other = await listenRpc({ address: "127.0.0.1:0", server });
    const session = connect(`http://${listener.address}`);
    session.on("error", () => undefined);
    new RawCall(session, { ":path": "/echo.Echo/Chat" }).send({ text: "wait cut" });
    await waitUntil("the call began", async () => (await log(other.address)).includes("wait cut began"));
    await listener.stop(50);
    await waitUntil("the handler ended", async () => (await log(other.address)).includes("wait cut ended cancelled"));
    await other.stop(0);
  });
});
