import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { expectOneLine, expectRefusal, grpcCall, post, request, sendBytes } from "./raw-call.ts";
import { roughService } from "./rough-service.ts";

/** Requests that are wrong, as clumsy and hostile clients send them, to a real server with a real service. */
let server: TestServer;
let folder: TempFolder;
let gateway: string;
let proxy: string;
let network: string;

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer(), createTempFolder()]);
  gateway = `http://${server.addresses.gateway}`;
  proxy = `http://${server.addresses.proxy}`;
  network = `http://${server.addresses.network}`;
  await Bun.write(`${folder.path}/rough/index.ts`, roughService);
  expect(await server.micro(["run", `${folder.path}/rough`])).toMatchObject({ code: 0 });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** The server is up, its service answers, and nothing is half done. */
async function expectWell(): Promise<void> {
  expect((await post(`${gateway}/rough/Echo`, { text: "well" })).text).toBe('{"text":"well"}');
  expect((await post(`${proxy}/rough.Rough/Echo`, { text: "well" })).text).toBe('{"text":"well"}');
  const status = await server.micro(["status", "-o", "json"]);
  expect(status.stdout).not.toContain("starting");
}

const big = "x".repeat(limits.messageBytesMax + 1);

describe("the gateway, asked wrongly,", () => {
  it("says 404 for a service and for an endpoint that are not there", async () => {
    expectRefusal(await request(`${gateway}/nope/Call`), 404, "service not found");
    expectRefusal(await post(`${gateway}/nope`, {}), 404, "service not found");
    expectRefusal(await post(`${gateway}/rough/Nope`, {}), 404, "service rough has no endpoint Rough.Nope");
    expectRefusal(await post(`${gateway}/auth/Accounts/Nope`, {}), 404, "Accounts.Nope");
  });

  it("says 404 for paths that are none", async () => {
    for (const path of [
      "/%00/%ff",
      "/a%2f..%2fb/x",
      "/a/b/c/d/e/f/%2e%2e",
      `/${"a".repeat(3_000)}`,
      "/rough/..%2f..%2f",
    ]) {
      expectRefusal(await request(gateway + path), 404, "");
    }
  });

  it("says 405 for a method that calls nothing", async () => {
    expectRefusal(await request(`${gateway}/rough/Echo`, { method: "CONNECT" }), 405, "CONNECT");
    expect(await sendBytes(server.addresses.gateway, "TRACE /rough/Echo HTTP/1.1\r\nhost: a\r\n\r\n")).toContain(
      " 405 ",
    );
  });

  it("says 400 for JSON that is none, and for JSON that is not what the endpoint takes", async () => {
    const url = `${gateway}/rough/Echo`;
    for (const body of ['{"text":', "{", "nonsense", '{"text":"a"}}', "\u0000", "'", "{'text':1}"]) {
      expectRefusal(await post(url, body), 400, /JSON/);
    }
    expectRefusal(await post(url, "[1]"), 400, "expected object, got array");
    expectRefusal(await post(url, { text: {} }), 400, "text: expected string, got object");
    expectRefusal(await post(`${url}?a=1`, "[1]"), 400, "must be a JSON object");
    expectRefusal(await post(url, "[".repeat(100_000)), 400, "");
    expectRefusal(await post(url, new TextDecoder("latin1").decode(new Uint8Array([0xff, 0xfe]))), 400, "JSON");
  });

  it("says 400 for a query that cannot be read", async () => {
    expectRefusal(
      await request(`${gateway}/rough/Echo?text=%zz`),
      400,
      '"%zz" in the query is not percent-encoded text',
    );
    expectRefusal(await request(`${gateway}/rough/Echo?a[=1`), 400, "is not a name of a query parameter");
    const many = Array.from({ length: limits.parameterCountMax + 1 }, (_, index) => `a${index}=1`).join("&");
    expectRefusal(await request(`${gateway}/rough/Echo?${many}`), 400, "");
  });

  it("sets no prototype by a name in a query or a body", async () => {
    const names = "text=a&__proto__.polluted=1&constructor.prototype.polluted=1&x[__proto__][polluted]=1";
    expect((await request(`${gateway}/rough/Echo?${names}`)).text).toMatch(/"text":"a"|"code":400/);
    await post(`${gateway}/rough/Echo?text=b`, '{"__proto__":{"polluted":1}}');
    await expectWell();
  });

  it("says 415 for a content type and for a compression that are not spoken", async () => {
    const url = `${gateway}/rough/Echo`;
    expectRefusal(await post(url, "<a/>", { "content-type": "text/xml" }), 415, "send application/json");
    expectRefusal(await post(url, "{}", { "content-encoding": "br" }), 415, 'compression "br" is not spoken');
  });

  it("says 413 for a body above the limit, whether its length is said or not", async () => {
    expectRefusal(await post(`${gateway}/rough/Echo`, big), 413, `${limits.messageBytesMax} bytes`);
    const stream = new Blob([big]).stream();
    const init = { method: "POST", body: stream, headers: { "content-type": "application/json" } };
    expectRefusal(await request(`${gateway}/rough/Echo`, init), 413, `${limits.messageBytesMax} bytes`);
  });

  it("says 431 for headers above the limit, and 400 for a timeout that is none", async () => {
    expect((await post(`${gateway}/rough/Echo`, {}, { x: "a".repeat(20_000) })).status).toBe(431);
    expectRefusal(await post(`${gateway}/rough/Echo`, {}, { "grpc-timeout": "soon" }), 400, "grpc-timeout");
  });

  it("does not fall over protobuf, whatever is in it", async () => {
    const proto = { "content-type": "application/proto" };
    expectRefusal(await post(`${gateway}/auth/Auth/Token`, "abcdef", proto), 400, "not such a message in protobuf");
    expectRefusal(await post(`${gateway}/rough/Echo`, "abcdef", proto), 415, "speaks JSON only");
    for (const type of [
      "application/grpc",
      "application/protobuf",
      "application/octet-stream",
      "application/grpc+proto",
    ]) {
      expect((await post(`${gateway}/auth/Auth/Inspect`, "\u0001", { "content-type": type })).status).toBe(400);
    }
    await expectWell();
  });

  it("answers a failing service with its one sentence, never with a stack", async () => {
    const per = "100% %s %d %!x(MISSING) {0} $1";
    expectRefusal(await post(`${gateway}/rough/Throw`, { text: per }), 500, per);
    expectRefusal(await post(`${gateway}/rough/Null`, {}), 500, "");
    expectRefusal(await post(`${gateway}/rough/Wrong`, {}), 500, "");
    expectRefusal(await post(`${gateway}/rough/Hang`, {}, { timeout: "200000000" }), 408, "");
    expectRefusal(await post(`${gateway}/rough/Exit`, {}), 503, "the service did not answer: the connection was reset");
    await waitUntil("the service is back", async () => (await post(`${gateway}/rough/Echo`, {})).status === 200);
    await expectWell();
  });
});

describe("the ports for RPC, asked wrongly over HTTP/1.1,", () => {
  it("say what a path and a method have to be", async () => {
    for (const port of [proxy, network]) {
      expectRefusal(await post(`${port}/nope`, {}), 404, "use /service.Type/Method");
      expectRefusal(await post(`${port}/a/b/c`, {}), 404, "use /service.Type/Method");
      expectRefusal(await request(`${port}/rough.Rough/Echo`), 405, "is called with POST, not GET");
      expectRefusal(await post(`${port}/rough/Echo`, {}), 400, "service name is blank");
      expectRefusal(await post(`${port}/nope.Nope/Call`, {}), 404, "service nope: route not found");
      expectRefusal(await post(`${port}/rough.Rough/Nope`, {}), 501, "unknown service Rough.Nope");
    }
  });

  it("say what a body has to be", async () => {
    for (const port of [proxy, network]) {
      const url = `${port}/rough.Rough/Echo`;
      expectRefusal(await post(url, '{"text":'), 400, "the message is not JSON");
      expectRefusal(await post(url, "[1]"), 400, "expected object, got array");
      expectRefusal(await post(url, "{}", { "content-type": "text/xml" }), 415, "use application/json");
      expectRefusal(await post(url, "{}", { "content-encoding": "gzip" }), 415, "send it plain");
      expectRefusal(await post(url, "a", { "content-type": "application/grpc" }), 415, "gRPC needs HTTP/2");
      expectRefusal(await post(url, big), 413, `${limits.messageBytesMax} bytes`);
      expectRefusal(await post(url, {}, { "grpc-timeout": "soon" }), 400, "grpc-timeout");
    }
    await expectWell();
  });
});

describe("the ports for RPC, asked wrongly over gRPC,", () => {
  it("answer each mistake with its status and one sentence", async () => {
    const mistakes = [
      ["/nope.Nope/Call", {}, 5, "service nope: route not found"],
      ["/rough.Rough/Nope", {}, 12, "unknown service Rough.Nope"],
      ["/rough", {}, 12, "malformed method name"],
      ["/rough.Rough/Echo", { messages: [[1]] }, 3, "expected object, got array"],
      ["/rough.Rough/Echo", { messages: [], raw: new Uint8Array([0, 0, 0, 0, 3, 123, 1, 1]) }, 3, "JSON"],
      ["/rough.Rough/Echo", { headers: { "grpc-timeout": "soon" } }, 3, "grpc-timeout"],
      ["/rough.Rough/Echo", { headers: { authorization: "Bearer nonsense" } }, 16, "micro login"],
      ["/rough.Rough/Echo", { headers: { "micro-namespace": "../x" } }, 3, "namespace"],
      ["/rough.Rough/Echo", { messages: [], raw: new Uint8Array([0, 0x7f, 0xff, 0xff, 0xff]) }, 8, "bytes"],
      ["/rough.Rough/Echo", { messages: [], raw: new Uint8Array([1, 0, 0, 0, 1, 0]) }, 12, "compress"],
      ["/rough.Rough/Throw", { messages: [{ text: "100% %s é" }] }, 13, "100% %s é"],
      ["/rough.Rough/Hang", { headers: { "grpc-timeout": "200m" } }, 4, ""],
    ] as const;
    for (const address of [server.addresses.proxy, server.addresses.network]) {
      for (const [path, options, status, text] of mistakes) {
        const answer = await grpcCall(address, path, options);
        expect({ path, options, ...answer }).toEqual({ path, options, status, message: expect.stringContaining(text) });
        expectOneLine(answer.message);
      }
    }
    await expectWell();
  });

  it("refuse a content type that is not gRPC, as HTTP does", async () => {
    const answer = await grpcCall(server.addresses.proxy, "/rough.Rough/Echo", {
      headers: { "content-type": "text/plain" },
    }).catch(String);
    expect(JSON.stringify(answer)).toMatch(/without a status|content type/);
    await expectWell();
  });
});

describe("bytes that are no request", () => {
  const garbage: readonly (readonly [string, Uint8Array | string])[] = [
    ["zeros", new Uint8Array(300)],
    ["a greeting of TLS", new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])],
    ["an unknown method", "BREW / HTTP/1.1\r\nhost: a\r\n\r\n"],
    ["a version that is none", "GET / HTTP/9.9\r\n\r\n"],
    ["a negative length", "POST /rough/Echo HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n"],
    ["two lengths", "POST /rough/Echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"],
    [
      "a length and chunks",
      "POST /a/b HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
    ["broken chunks", "POST /rough/Echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}"],
    ["a preface with garbage", `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\u00ff".repeat(60)}`],
    ["half a preface", "PRI nonsense\r\n\r\n"],
    ["an endless header", `GET /x HTTP/1.1\r\nhost: a\r\nx: ${"a".repeat(40_000)}`],
    ["an endless path", `GET /${"a".repeat(40_000)} HTTP/1.1\r\nhost: a\r\n\r\n`],
    ["line breaks", "\r\n".repeat(5_000)],
  ];

  it("harm no port", async () => {
    const { addresses } = server;
    for (const [what, bytes] of garbage) {
      const ports = [addresses.gateway, addresses.proxy, addresses.network];
      const answers = await Promise.all(ports.map((port) => sendBytes(port, bytes)));
      for (const answer of answers) {
        expect({ what, answer }).not.toMatchObject({ answer: expect.stringMatching(/ 200 |\.ts:\d|at \w+ \(/) });
      }
    }
    await expectWell();
  });

  it("leave no word of a failure in the server's log", () => {
    expect(server.output()).not.toMatch(/unhandled|uncaught|TypeError|\.ts:\d+/i);
  });
});
