import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { RawSocket } from "./raw-socket.ts";
import { echoEndpoints, startEdge, type Edge } from "./edge.ts";
import { startEcho, type EchoServer } from "./start-echo.ts";

let edge: Edge;
let echo: EchoServer;

beforeAll(async () => {
  edge = await startEdge();
  echo = await startEcho("bun");
  const node = { id: "echo-1", address: echo.rpcUnix, metadata: { http: echo.httpUnix } };
  await edge.register({ name: "echo", domain: "micro", nodes: [node], endpoints: echoEndpoints });
});
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await echo[Symbol.asyncDispose]();
});

/** A browser's WebSocket with what it received, in order. */
interface TestSocket {
  readonly socket: WebSocket;
  readonly messages: unknown[];
  /** Code and reason, once it is closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

async function open(path: string, protocols: string[] = []): Promise<TestSocket> {
  const socket = new WebSocket(`${edge.gateway.replace("http", "ws")}${path}`, protocols);
  const messages: unknown[] = [];
  socket.addEventListener("message", ({ data }) => messages.push(JSON.parse(String(data))));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error("the socket was refused")));
  });
  return { socket, messages, closed };
}

/** Status of the answer to a request for a WebSocket, which is 101 when it is granted. */
async function ask(path: string, headers: Record<string, string> = {}): Promise<{ status: number; detail: string }> {
  const response = await fetch(`${edge.gateway}${path}`, {
    headers: {
      connection: "upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    },
  });
  const { detail } = (await response.json()) as { detail: string };
  return { status: response.status, detail };
}

async function logOfEcho(): Promise<string> {
  return (await fetch(`${edge.gateway}/echo/say?text=log`)).text();
}

describe("gateway, WebSocket", () => {
  it("carries a stream in both directions, one message each, and closes with 1000 when the service ends", async () => {
    const { socket, messages, closed } = await open("/echo/chat");
    socket.send(JSON.stringify({ text: "one", count: 1 }));
    await waitUntil("the first answer", () => messages.length === 1);
    socket.send(new TextEncoder().encode(JSON.stringify({ text: "two", count: 2 })));
    socket.send(JSON.stringify({ text: "end" }));
    expect(await closed).toEqual({ code: 1000, reason: "" });
    expect(messages).toEqual([
      { text: "one", count: 1 },
      { text: "two", count: 2 },
    ]);
  });

  it("takes the query as the first message", async () => {
    const { messages, closed } = await open("/echo/repeat?text=a&count=3");
    expect((await closed).code).toBe(1000);
    expect(messages).toEqual([0, 1, 2].map((count) => ({ text: "a", count })));
  });

  it("waits for the first message where there is no query", async () => {
    const { socket, messages, closed } = await open("/echo/repeat");
    socket.send('{"text": "b", "count": 1}');
    expect((await closed).code).toBe(1000);
    expect(messages).toEqual([{ text: "b", count: 0 }]);
  });

  it("sends a failure as a message and closes with its code", async () => {
    const { messages, closed } = await open("/echo/repeat?text=fail&count=1");
    expect(await closed).toEqual({ code: 1008, reason: "after the messages" });
    expect(messages.at(-1)).toMatchObject({ error: { code: 409, detail: "after the messages" } });
  });

  it.each([
    ["not_found", 404, 1008],
    ["permission_denied", 403, 1008],
    ["payload_too_large", 413, 1009],
    ["internal", 500, 1011],
    ["bad_gateway", 502, 1011],
    ["timeout", 408, 1011],
    ["unavailable", 503, 1013],
    ["too_many_requests", 429, 1013],
  ])("closes for %s, which is %i, with %i", async (code, status, closeCode) => {
    const { messages, closed } = await open(`/echo/repeat?text=fail:${code}&count=1`);
    expect((await closed).code).toBe(closeCode);
    expect(messages.at(-1)).toMatchObject({ error: { code: status, detail: "after the messages" } });
  });

  it("closes with 1009 on a message that is said to be too large, before it comes", async () => {
    const raw = new RawSocket(edge.gateway.replace("http://", ""));
    raw.socket.write(
      "GET /echo/chat HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
        "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    await waitUntil("the WebSocket to stand", () => raw.text.includes("101 Switching Protocols"));
    const head = Buffer.alloc(14);
    head[0] = 0x81;
    head[1] = 0xff;
    head.writeBigUInt64BE(BigInt(limits.messageBytesMax + 1), 2);
    raw.socket.write(head);
    await waitUntil("the connection to be closed", () => raw.isClosed);
    const [, frames = ""] = raw.text.split("\r\n\r\n");
    // A close frame begins with 0x88 and its length; the code follows.
    const at = frames.indexOf("\x88");
    expect(Buffer.from(frames, "latin1").readUInt16BE(at + 2)).toBe(1009);
  });

  it("answers what is no JSON with an error", async () => {
    const { socket, messages, closed } = await open("/echo/chat");
    socket.send("{");
    expect((await closed).code).toBe(1008);
    expect(messages).toMatchObject([{ error: { code: 400 } }]);
  });

  it("speaks the first protocol that is offered", async () => {
    const { socket } = await open("/echo/chat", ["chat.v2", "chat.v1"]);
    expect(socket.protocol).toBe("chat.v2");
    socket.close();
  });

  it("carries messages of a megabyte and more, and refuses those above the limit", async () => {
    const { socket, messages, closed } = await open("/echo/chat");
    const text = "x".repeat(2_000_000);
    socket.send(JSON.stringify({ text }));
    await waitUntil("the answer", () => messages.length === 1);
    expect((messages[0] as { text: string }).text).toHaveLength(text.length);
    socket.send("x".repeat(limits.messageBytesMax + 1));
    expect([1006, 1009]).toContain((await closed).code);
  });

  it("tells the service when the caller leaves", async () => {
    const { socket, messages } = await open("/echo/chat");
    socket.send('{"text": "first"}');
    await waitUntil("the stream stands", () => messages.length === 1);
    socket.send('{"text": "wait-socket"}');
    await waitUntil("the handler waits", async () => (await logOfEcho()).includes("wait-socket began"));
    socket.close();
    await waitUntil("the handler ended", async () => (await logOfEcho()).includes("wait-socket ended cancelled"));
  });

  it("refuses a sender that is faster than the service, and nobody else", async () => {
    const { socket, messages, closed } = await open("/echo/chat");
    socket.send('{"text": "block"}');
    const more = JSON.stringify({ text: "more".repeat(1_000) });
    for (let index = 0; index < 4 * limits.socketQueueCountMax; index += 1) socket.send(more);
    expect((await closed).code).toBe(1013);
    expect(messages.at(-1)).toMatchObject({ error: { code: 429 } });
    expect((await fetch(`${edge.gateway}/health`)).status).toBe(200);
  });

  it("is refused before it opens where there is nothing to stream", async () => {
    expect(await ask("/echo/say")).toEqual({
      status: 400,
      detail: "Echo.Say is no stream; call it without a WebSocket",
    });
    expect(await ask("/nobody/chat")).toMatchObject({ status: 404 });
    expect(await ask("/echo/chat", { authorization: "Bearer nonsense" })).toMatchObject({ status: 401 });
    expect(await ask("/echo/chat", { "sec-websocket-key": "" })).toMatchObject({ status: 400 });
  });
});

describe("gateway, WebSockets without number", () => {
  it("refuses one too many with 503, and takes another when one has left", async () => {
    await using small = await startEdge({ listen: { socketCountMax: 2 } });
    const node = { id: "echo-1", address: echo.rpcUnix, metadata: { http: echo.httpUnix } };
    await small.register({ name: "echo", domain: "micro", nodes: [node], endpoints: echoEndpoints });
    const outcome = (socket: WebSocket): Promise<string> =>
      new Promise((resolve) => {
        socket.addEventListener("open", () => resolve("open"));
        socket.addEventListener("error", () => resolve("refused"));
      });
    const connect = (): WebSocket => new WebSocket(`${small.gateway.replace("http", "ws")}/echo/Chat`);
    const [one, two] = [connect(), connect()];
    expect(await Promise.all([outcome(one), outcome(two)])).toEqual(["open", "open"]);
    expect(await outcome(connect())).toBe("refused");
    one.close();
    await waitUntil("room for another", async () => (await outcome(connect())) === "open");
    two.close();
  });
});

describe("gateway, server-sent events", () => {
  const events = { headers: { accept: "text/event-stream" } };

  it("sends each message as an event, and an event at the end", async () => {
    const response = await fetch(`${edge.gateway}/echo/repeat?text=a&count=2`, events);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(await response.text()).toBe(
      'data: {"text":"a","count":0}\n\ndata: {"text":"a","count":1}\n\nevent: end\ndata: {}\n\n',
    );
  });

  it("sends a failure on the way as an event", async () => {
    const text = await (await fetch(`${edge.gateway}/echo/repeat?text=fail&count=1`, events)).text();
    expect(text).toContain('\n\nevent: error\ndata: {"id":"echo","code":409,"detail":"after the messages"');
    expect(text).not.toContain("event: end");
  });

  it("answers a failure before the first message with its status", async () => {
    expect((await fetch(`${edge.gateway}/echo/repeat?text=fail&count=0`, events)).status).toBe(409);
  });
});
