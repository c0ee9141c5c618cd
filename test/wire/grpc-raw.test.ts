import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { constants, type ClientHttp2Session } from "node:http2";
import { limits } from "#base/limits.ts";
import { decodePercent } from "#rpc/error-wire.ts";
import { encodeFrame } from "#rpc/grpc-frame.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { dial, RawCall } from "./http2-call.ts";
import { startEcho, type EchoServer, type Runtime } from "./start-echo.ts";

describe.each(["bun", "node"] as Runtime[])("gRPC on the wire of listenRpc() on %s", (runtime) => {
  let server: EchoServer;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    server = await startEcho(runtime);
    session = dial(server.rpc);
  });
  afterAll(async () => {
    session.destroy();
    await server[Symbol.asyncDispose]();
  });

  const open = (path: string, headers: Record<string, string> = {}): RawCall =>
    new RawCall(session, { ":path": path, ...headers });

  it("answers a unary call after its first message, and closes the stream", async () => {
    const call = await open("/echo.Echo/Say").send({ text: "hi", count: 3 }).closed();
    expect(call.messages).toEqual(['{"text":"hi","count":3}']);
    expect(call.status).toBe("0");
    expect(call.stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  });

  it("runs a server stream from its first message to its end without the caller's end", async () => {
    const call = await open("/echo.Echo/Repeat").send({ text: "a", count: 3 }).closed();
    expect(call.messages).toHaveLength(3);
    expect(call.status).toBe("0");
  });

  it("keeps a server stream open for a caller that never ends its side", async () => {
    const call = open("/echo.Echo/Repeat").send({ text: "quiet", count: 2 });
    await waitUntil("the first message", () => call.messages.length === 1);
    expect(call.stream.closed).toBe(false);
    call.stream.close(constants.NGHTTP2_CANCEL);
    await call.closed();
  });

  it("echoes the content type", async () => {
    const json = await open("/echo.Echo/Say").send({}).closed();
    expect(json.headers["content-type"]).toBe("application/grpc+json");
    for (const type of ["application/grpc", "application/grpc+proto"]) {
      const call = open("/echo.Echo/Say", { "content-type": type });
      call.stream.end(encodeFrame(Buffer.from([0x0a, 1, 0x78])));
      await call.closed();
      expect(call.headers["content-type"]).toBe(type);
      expect(call.messages).toEqual(["\n\u0001x"]);
    }
  });

  it("finds the method by its type, whatever comes before", async () => {
    for (const path of ["/Echo/Say", "/pkg.Echo/Say", "/a.b.Echo/Say"]) {
      expect((await open(path).send({}).closed()).status).toBe("0");
    }
  });

  it("takes null and nothing at all for the empty message", async () => {
    const nothing = open("/echo.Echo/Say");
    nothing.stream.end(encodeFrame(new Uint8Array(0)));
    expect((await nothing.closed()).messages).toEqual(['{"text":"","count":0}']);
    expect((await open("/echo.Echo/Say").send(null).closed()).messages).toEqual(['{"text":"","count":0}']);
  });

  it("refuses an unknown subtype with status 12", async () => {
    const call = await open("/echo.Echo/Say", { "content-type": "application/grpc+bytes" }).send({}).closed();
    expect(call.status).toBe("12");
    expect(decodePercent(call.message)).toContain("application/grpc+bytes");
  });

  it("refuses compression with status 12 and says what it speaks", async () => {
    const call = await open("/echo.Echo/Say", { "grpc-encoding": "gzip" }).send({}).closed();
    expect(call.status).toBe("12");
    expect(call.headers["grpc-accept-encoding"]).toBe("identity");
    const flagged = open("/echo.Echo/Say");
    flagged.stream.end(encodeFrame(Buffer.from("{}"), 1));
    expect((await flagged.closed()).status).toBe("12");
  });

  it("refuses other content types with HTTP 415", async () => {
    const call = await open("/echo.Echo/Say", { "content-type": "text/plain" }).closed();
    expect(call.headers[":status"]).toBe(415);
    expect(JSON.parse(call.body)).toMatchObject({ code: 415, status: "Unsupported Media Type" });
  });

  it("refuses a path that names no method in the words of Micro", async () => {
    for (const path of ["/", "/bogus", "/a/b/c"]) {
      const call = await open(path).send({}).closed();
      expect(call.status).toBe("12");
      expect(decodePercent(call.message)).toBe(`malformed method name: "${path}"`);
    }
  });

  it("tells an unknown service from an unknown method", async () => {
    expect(decodePercent((await open("/x.Foo/Bar").send({}).closed()).message)).toContain('"unknown service Foo"');
    expect(decodePercent((await open("/echo.Echo/Bar").send({}).closed()).message)).toContain(
      '"unknown service Echo.Bar"',
    );
  });

  it("refuses a message above the limit without waiting for it", async () => {
    const call = open("/echo.Echo/Say");
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(limits.messageBytesMax + 1, 1);
    call.stream.write(prefix);
    await call.closed();
    expect(call.status).toBe("8");
    expect(decodePercent(call.message)).toContain("above the limit");
  });

  it("refuses a call that ends before or within its first message", async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from([0, 0, 0, 0, 9, 1, 2])]) {
      const call = open("/echo.Echo/Say");
      call.stream.end(bytes);
      expect((await call.closed()).status).toBe("3");
    }
  });

  it("refuses what is not JSON, and names the field that is wrong", async () => {
    const garbage = open("/echo.Echo/Say");
    garbage.stream.end(encodeFrame(Buffer.from("{nope")));
    expect(decodePercent((await garbage.closed()).message)).toContain("not JSON");
    const wrong = await open("/echo.Echo/Say").send({ count: "many" }).closed();
    expect(wrong.status).toBe("3");
    expect(decodePercent(wrong.message)).toContain("count");
  });

  it("refuses protobuf for a method that speaks JSON only", async () => {
    const call = open("/echo.Echo/Plain", { "content-type": "application/grpc" });
    call.stream.end(encodeFrame(new Uint8Array(0)));
    expect((await call.closed()).status).toBe("12");
    expect(decodePercent(call.message)).toContain("Echo.Plain speaks JSON only");
  });

  it("honours timeout and grpc-timeout, also for a handler that ignores the signal", async () => {
    for (const headers of [{ timeout: "100000000" }, { "grpc-timeout": "100m" }]) {
      const call = await open("/echo.Echo/Say", headers).send({ text: "hang" }).closed();
      expect(call.status).toBe("4");
      expect(JSON.parse(decodePercent(call.message))).toMatchObject({ code: 408, detail: "context deadline exceeded" });
    }
  });

  it("ends a stream at its deadline", async () => {
    const call = await open("/echo.Echo/Chat", { "grpc-timeout": "200m" }).send({ text: "a" }).closed();
    expect(call.messages).toHaveLength(1);
    expect(call.status).toBe("4");
  });

  it("refuses a grpc-timeout that is none", async () => {
    const call = await open("/echo.Echo/Say", { "grpc-timeout": "soon" }).send({}).closed();
    expect(call.status).toBe("3");
  });

  it("shows headers to the handler in lower case", async () => {
    const call = await open("/echo.Echo/Say", { "x-colour": "blue" }).send({ text: "metadata:x-colour" }).closed();
    expect(call.messages[0]).toMatch(/"blue\|127\.0\.0\.1:\d+\|\/echo\.Echo\/Say"/);
  });

  it("holds a sender back whose messages are not read", async () => {
    const call = open("/echo.Echo/Chat");
    call.send({ text: "block" });
    const chunk = encodeFrame(Buffer.from(JSON.stringify({ text: "x".repeat(64 * 1024) })));
    let written = 0;
    while (written < 64 * 1024 * 1024 && call.stream.write(chunk)) written += chunk.byteLength;
    for (let round = 0; round < 200 && written < 64 * 1024 * 1024; round += 1) {
      const isDrained = await Promise.race([
        new Promise<boolean>((resolve) => {
          call.stream.once("drain", () => resolve(true));
        }),
        Bun.sleep(300).then(() => false),
      ]);
      if (!isDrained) break;
      while (written < 64 * 1024 * 1024 && call.stream.write(chunk)) written += chunk.byteLength;
    }
    expect(written).toBeLessThan(32 * 1024 * 1024);
    call.stream.close(constants.NGHTTP2_CANCEL);
    await call.closed();
  });

  it("holds a handler back whose messages are not read", async () => {
    const call = open("/echo.Echo/Repeat");
    call.stream.pause();
    call.send({ text: "left".padEnd(64 * 1024, "x"), count: 10_000 });
    await waitUntil("the first bytes", () => Object.keys(call.headers).length > 0);
    call.stream.close(constants.NGHTTP2_CANCEL);
    await call.closed();
    // The handler stopped with most of its messages unsent, or it would not have noticed that the caller left.
    await waitUntil("the handler left", async () => {
      const log = await open("/echo.Echo/Say").send({ text: "log" }).closed();
      return log.messages[0]?.includes("leftxxx");
    });
  });

  it("serves unary JSON and HTTP errors over HTTP/2 as over HTTP/1.1", async () => {
    const call = open("/echo.Echo/Say", { "content-type": "application/json" });
    call.stream.end('{"text":"plain"}');
    await call.closed();
    expect(call.headers[":status"]).toBe(200);
    expect(call.body).toBe('{"text":"plain","count":0}');
    const missing = open("/echo.Echo/Say", { ":method": "GET" });
    missing.stream.end();
    await missing.closed();
    expect(missing.headers[":status"]).toBe(405);
  });

  it("serves Connect's streams over HTTP/2, also one that the service ends before the caller does", async () => {
    const call = open("/echo.Echo/Join", { "content-type": "application/connect+json" });
    call.send({ text: "enough" }).send({ text: "never read" });
    await call.closed();
    expect(call.headers[":status"]).toBe(200);
    expect(call.body).toContain('"count":1');
    expect(call.body).toEndWith("{}");
  });

  it("runs a thousand calls at once on one connection", async () => {
    const calls = Array.from({ length: 1_000 }, (_, count) => open("/echo.Echo/Say").send({ count }));
    await Promise.all(calls.map((each) => each.closed()));
    expect(calls.map((each) => each.messages[0])).toEqual(
      Array.from({ length: 1_000 }, (_, count) => `{"text":"","count":${count}}`),
    );
  });

  it("serves unix sockets alike", async () => {
    const local = dial(server.rpcUnix);
    const call = await new RawCall(local, { ":path": "/echo.Echo/Say" }).send({ text: "metadata:te" }).closed();
    expect(call.messages[0]).toContain("|unix|");
    local.destroy();
  });
});
