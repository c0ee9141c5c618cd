import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import { encodeFrame, FrameDecoder } from "#rpc/grpc-frame.ts";
import { runCommand } from "#testing/run-command.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { RawSocket } from "./raw-socket.ts";
import { startEcho, type EchoServer, type Runtime } from "./start-echo.ts";

const json = { "content-type": "application/json" };

/** Messages of a Connect stream, then what its last frame says. */
function readStream(bytes: Uint8Array): { messages: unknown[]; end: unknown } {
  const messages: unknown[] = [];
  let end: unknown;
  for (const { flags, message } of new FrameDecoder().push(bytes)) {
    const value = JSON.parse(new TextDecoder().decode(message)) as unknown;
    if (flags === 2) end = value;
    else messages.push(value);
  }
  return { messages, end };
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}

function frame(message: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encodeFrame(new TextEncoder().encode(JSON.stringify(message))));
}

function cases(): { runtime: Runtime; listener: "rpc" | "http" }[] {
  return (["bun", "node"] as const).flatMap((runtime) => [
    { runtime, listener: "rpc" as const },
    { runtime, listener: "http" as const },
  ]);
}

describe.each(cases())("HTTP/1.1 on the $listener listener on $runtime", ({ runtime, listener }) => {
  let server: EchoServer;
  let base: string;
  beforeAll(async () => {
    server = await startEcho(runtime);
    base = `http://${server[listener]}`;
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const post = (
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = json,
  ): Promise<Response> => fetch(`${base}${path}`, { method: "POST", body, headers });
  const say = async (text: string): Promise<string> => {
    const answer = (await (await post("/echo.Echo/Say", JSON.stringify({ text }))).json()) as { text: string };
    return answer.text;
  };

  it("answers a JSON call of curl", async () => {
    const url = `${base}/echo.Echo/Say`;
    const { stdout } = await runCommand([
      "curl",
      "-sS",
      "-d",
      '{"text":"grün"}',
      "-H",
      "content-type: application/json",
      url,
    ]);
    expect(stdout).toBe('{"text":"grün","count":0}');
  });

  it("tells curl what is wrong", async () => {
    const url = `${base}/echo.Echo/Say`;
    const flags = ["-sS", "-w", "\n%{http_code} %{content_type}"];
    const form = await runCommand(["curl", ...flags, "-d", "a=b", url]);
    const [body, status] = form.stdout.split("\n");
    expect(status).toBe("415 application/json");
    expect(JSON.parse(body ?? "")).toEqual({
      id: "echo",
      code: 415,
      detail:
        'content type "application/x-www-form-urlencoded" is not spoken here; use application/json or application/proto',
      status: "Unsupported Media Type",
    });
    const failed = await runCommand([
      "curl",
      ...flags,
      "-d",
      '{"text":"fail:conflict"}',
      "-H",
      "content-type: application/json",
      url,
    ]);
    expect(failed.stdout).toEndWith("409 application/json");
    expect(failed.stdout).toContain("100% grün");
  });

  it("streams to curl", async () => {
    const url = `${base}/echo.Echo/Repeat`;
    const request = Buffer.from(frame({ text: "a", count: 3 })).toString("latin1");
    const type = "content-type: application/connect+json";
    const { stdout } = await runCommand(["curl", "-sS", "--data-binary", "@-", "-H", type, url], { stdin: request });
    expect(readStream(Buffer.from(stdout))).toEqual({
      messages: [0, 1, 2].map((count) => ({ text: "a", count })),
      end: {},
    });
  });

  it("answers curl over a unix socket", async () => {
    const path = (listener === "rpc" ? server.rpcUnix : server.httpUnix).slice(5);
    const command = [
      "curl",
      "-sS",
      "--unix-socket",
      path,
      "-d",
      '{"text":"metadata:content-type"}',
      "-H",
      "content-type: application/json",
    ];
    const { stdout } = await runCommand([...command, "http://localhost/echo.Echo/Say"]);
    expect(stdout).toContain("application/json|unix|");
  });

  it("speaks protobuf under each of its names", async () => {
    for (const type of ["application/proto", "application/x-protobuf", "application/protobuf"]) {
      const answer = await post("/echo.Echo/Say", new Uint8Array([0x0a, 1, 0x78]), { "content-type": type });
      expect(answer.headers.get("content-type")).toBe(type);
      expect([...(await bytesOf(answer))]).toEqual([0x0a, 1, 0x78]);
    }
  });

  it("takes an empty body for the empty message", async () => {
    const answer = await fetch(`${base}/echo.Echo/Say`, { method: "POST" });
    expect([answer.status, await answer.text()]).toEqual([200, '{"text":"","count":0}']);
    expect(await (await post("/echo.Echo/Say", "null")).text()).toBe('{"text":"","count":0}');
  });

  it("takes a body of unknown length", async () => {
    const raw = new RawSocket(server[listener]);
    raw.socket.write(
      "POST /echo.Echo/Say HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    raw.socket.write('9\r\n{"text":"\r\n');
    raw.socket.write('7\r\ntwice"}\r\n0\r\n\r\n');
    await waitUntil("the answer", () => raw.text.includes('{"text":"twice","count":0}'));
    raw.socket.destroy();
  });

  it("keeps a connection for the next call, also after a refusal whose body it did not read", async () => {
    const raw = new RawSocket(server[listener]);
    const send = (path: string, body: string): boolean =>
      raw.socket.write(
        `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    for (let round = 1; round <= 3; round += 1) {
      send("/echo.Echo/Say", `{"count":${round}}`);
      await waitUntil("the answer", () => raw.text.includes(`"count":${round}}`));
      send("/echo.Nope/Say", "{}");
      await waitUntil("the refusal", () => raw.text.split("HTTP/1.1 501").length === round + 1);
    }
    expect(raw.isClosed).toBe(false);
    raw.socket.destroy();
  });

  it("answers requests that were sent ahead in their order", async () => {
    const raw = new RawSocket(server[listener]);
    const one = (text: string): string => {
      const body = `{"text":"${text}"}`;
      return `POST /echo.Echo/Say HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    };
    raw.socket.write(["a", "b", "c"].map(one).join(""));
    await waitUntil("three answers", () => raw.text.split('"count":0').length === 4);
    expect(raw.text.match(/"text":"(.)"/g)).toEqual(['"text":"a"', '"text":"b"', '"text":"c"']);
    raw.socket.destroy();
  });

  it("refuses other methods on the path of a call", async () => {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const answer = await fetch(`${base}/echo.Echo/Say`, { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.get("allow")).toBe("POST");
      expect(await answer.json()).toMatchObject({ code: 405, status: "Method Not Allowed" });
    }
  });

  it("leaves other paths to the other handler", async () => {
    const health = await fetch(`${base}/health`);
    expect([health.status, await health.text()]).toEqual([200, "/health"]);
    expect((await fetch(`${base}/nothing/at/all?q=1`)).status).toBe(404);
  });

  it("refuses unknown services and methods", async () => {
    const answer = await post("/echo.Echo/Nope", "{}");
    expect(answer.status).toBe(501);
    expect(await answer.json()).toMatchObject({ detail: "unknown service Echo.Nope" });
  });

  it("refuses gRPC, compression and what is not JSON", async () => {
    expect((await post("/echo.Echo/Say", "", { "content-type": "application/grpc" })).status).toBe(415);
    expect((await post("/echo.Echo/Say", "{}", { ...json, "content-encoding": "gzip" })).status).toBe(415);
    const wrong = await post("/echo.Echo/Say", "{nope");
    expect(wrong.status).toBe(400);
    expect(await wrong.json()).toMatchObject({ id: "echo", code: 400 });
    expect((await post("/echo.Echo/Say", new Uint8Array([0x22, 0xff, 0x22]))).status).toBe(400);
    expect((await post("/echo.Echo/Plain", "", { "content-type": "application/proto" })).status).toBe(415);
    expect((await post("/echo.Echo/Repeat", "{}")).status).toBe(501);
  });

  it("refuses an announced body above the limit before it comes", async () => {
    const raw = new RawSocket(server[listener]);
    const head = "POST /echo.Echo/Say HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    raw.socket.write(`${head}content-length: ${limits.messageBytesMax + 1}\r\n\r\n{`);
    await waitUntil("the refusal", () => raw.text.includes("HTTP/1.1 413"));
    raw.socket.destroy();
  });

  it("survives a crash in a handler, and says so without its stack", async () => {
    const answer = await post("/echo.Echo/Say", '{"text":"crash"}');
    expect(answer.status).toBe(500);
    expect(await answer.json()).toEqual({
      id: "echo",
      code: 500,
      detail: "undefined is not a grün function",
      status: "Internal Server Error",
    });
    expect(await say("alive")).toBe("alive");
  });

  it("answers at the deadline even when the handler does not", async () => {
    for (const headers of [{ timeout: "100000000" }, { "grpc-timeout": "100m" }, { "connect-timeout-ms": "100" }]) {
      const answer = await post("/echo.Echo/Say", '{"text":"hang"}', {
        ...json,
        ...(headers as Record<string, string>),
      });
      expect(answer.status).toBe(408);
      expect(await answer.json()).toMatchObject({ detail: "context deadline exceeded" });
    }
  });

  it("gives errors in Connect's form to clients of Connect", async () => {
    const answer = await post("/echo.Echo/Say", '{"text":"fail:not_found"}', {
      ...json,
      "connect-protocol-version": "1",
    });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code: "not_found", message: "100% grün\nand more" });
  });

  it("streams both ways, each message as it comes", async () => {
    const type = "application/connect+json";
    const answer = await post("/echo.Echo/Chat", Buffer.concat([frame({ text: "a" }), frame({ text: "b" })]), {
      "content-type": type,
    });
    expect(answer.headers.get("content-type")).toBe(type);
    expect(readStream(await bytesOf(answer))).toEqual({
      messages: [
        { text: "a", count: 0 },
        { text: "b", count: 0 },
      ],
      end: {},
    });
    const joined = await post("/echo.Echo/Join", Buffer.concat([frame({ text: "a" }), frame({ text: "b" })]), {
      "content-type": type,
    });
    expect(readStream(await bytesOf(joined)).messages).toEqual([{ text: "a b", count: 2 }]);
  });

  it("answers the first message of a stream before the second is sent", async () => {
    const raw = new RawSocket(server[listener]);
    const chunk = (bytes: Uint8Array): Buffer =>
      Buffer.concat([Buffer.from(`${bytes.byteLength.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
    raw.socket.write(
      "POST /echo.Echo/Chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/connect+json\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    for (const text of ["first", "second"]) {
      raw.socket.write(chunk(frame({ text })));
      await waitUntil(`the answer to the ${text}`, () => raw.text.includes(text));
    }
    raw.socket.write("0\r\n\r\n");
    await waitUntil("the end", () => raw.text.endsWith("{}\r\n0\r\n\r\n"));
    raw.socket.destroy();
  });

  it("answers a stream that the service ends before the caller does", async () => {
    const raw = new RawSocket(server[listener]);
    const body = Buffer.concat([frame({ text: "enough" }), frame({ text: "never read" })]);
    raw.socket.write(
      "POST /echo.Echo/Join HTTP/1.1\r\nhost: x\r\ncontent-type: application/connect+json\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    raw.socket.write(`${body.byteLength.toString(16)}\r\n`);
    raw.socket.write(Buffer.concat([body, Buffer.from("\r\n")]));
    await waitUntil("the whole answer", () => /\{\}(\r\n0\r\n\r\n)?$/.test(raw.text));
    expect(raw.text).toContain('"count":1');
    raw.socket.destroy();
  });

  it("says in the last frame how a stream failed", async () => {
    const type = { "content-type": "application/connect+json" };
    const failed = await post("/echo.Echo/Repeat", frame({ text: "fail", count: 1 }), type);
    const after = readStream(await bytesOf(failed));
    expect(after.messages).toHaveLength(1);
    expect(after.end).toMatchObject({ error: { code: "already_exists", message: "after the messages" } });
    const cut = await post("/echo.Echo/Join", frame({ text: "a" }).slice(0, -1), type);
    expect(readStream(await bytesOf(cut)).end).toMatchObject({ error: { code: "invalid_argument" } });
    const unknown = await post("/echo.Echo/Nope", frame({}), type);
    expect(readStream(await bytesOf(unknown)).end).toMatchObject({ error: { code: "unimplemented" } });
  });

  it("tells the handler of a quiet stream that the caller left", async () => {
    const raw = new RawSocket(server[listener]);
    const body = frame({ text: "quiet", count: 2 });
    raw.socket.write(
      `POST /echo.Echo/Repeat HTTP/1.1\r\nhost: x\r\ncontent-type: application/connect+json\r\ncontent-length: ${body.byteLength}\r\n\r\n`,
    );
    raw.socket.write(body);
    await waitUntil("the first message", () => raw.text.includes("quiet"));
    raw.socket.destroy();
    await waitUntil("the handler ended", async () => (await say("log")).includes("quiet ended cancelled"));
  });

  it("tells the handler of a unary call that the caller left", async () => {
    const raw = new RawSocket(server[listener]);
    const body = '{"text":"wait:gone"}';
    raw.socket.write(
      `POST /echo.Echo/Say HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await waitUntil("the handler began", async () => (await say("log")).includes("gone began"));
    raw.socket.destroy();
    await waitUntil("the handler ended", async () => (await say("log")).includes("gone ended cancelled"));
  });

  it("holds a handler back whose caller does not read", async () => {
    const raw = new RawSocket(server[listener]);
    raw.socket.pause();
    const body = frame({ text: "left".padEnd(64 * 1024, "x"), count: 100_000 });
    raw.socket.write(
      `POST /echo.Echo/Repeat HTTP/1.1\r\nhost: x\r\ncontent-type: application/connect+json\r\ncontent-length: ${body.byteLength}\r\n\r\n`,
    );
    raw.socket.write(body);
    await waitUntil("bytes arrive", () => raw.socket.bytesRead > 0 || raw.socket.readableLength > 0);
    raw.socket.destroy();
    await waitUntil("the handler left", async () => (await say("log")).includes("leftxxx"));
  });

  it("takes garbage without harm", async () => {
    const inputs = [
      "\0\0\0\0",
      "P",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage",
      "GET\r\n\r\n",
      "\u0016\u0003\u0001\u0002",
      "x".repeat(100_000),
    ];
    for (const input of inputs) {
      const raw = new RawSocket(server[listener]);
      raw.socket.end(input);
      await waitUntil("the connection is closed", () => raw.isClosed);
    }
    expect(await say("alive")).toBe("alive");
  });

  it("refuses headers above the limit", async () => {
    const raw = new RawSocket(server[listener]);
    raw.socket.write(`GET /health HTTP/1.1\r\nhost: x\r\nx-long: ${"x".repeat(64 * 1024)}\r\n\r\n`);
    await waitUntil("the connection is closed", () => raw.isClosed);
    expect(raw.text).toStartWith("HTTP/1.1 431");
    expect(await say("alive")).toBe("alive");
  });
});
