import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import fc from "fast-check";
import { readPlainHead } from "./plain-http-head.ts";

/** A head as our own callers send it, with parts that come before, in the middle of, and behind its lines. */
const lines = (length: number): string[] => [
  "POST /echo.Echo/Say HTTP/1.1",
  "host: 127.0.0.1:8443",
  "content-type: application/json",
  "authorization: Bearer abc.def-ghi",
  `content-length: ${length}`,
];

const oddity = fc.constantFrom(
  "",
  " ",
  "\t",
  "\r",
  "\n",
  "\0",
  ":",
  "é",
  "x-a: b\r\n",
  "X-Trace-Id:  two  words \r\n",
  "content-length: 3\r\n",
  "transfer-encoding: chunked\r\n",
  "Connection: close\r\n",
  "Expect: 100-continue\r\n",
  "host: other\r\n",
  " folded: line\r\n",
);
const head = fc
  .record({ oddities: fc.array(fc.tuple(fc.nat({ max: 170 }), oddity), { maxLength: 3 }), length: fc.nat({ max: 20 }) })
  .map(({ oddities, length }) => {
    let text = lines(length).join("\r\n");
    for (const [at, part] of oddities) text = text.slice(0, at) + part + text.slice(at);
    return text;
  });

describe("readPlainHead()", () => {
  let server: Server;
  let port = 0;
  const seen: { readonly target: string; readonly headers: Record<string, unknown> }[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push({ target: request.url ?? "", headers: { ...request.headers } });
      response.end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => void server.close());

  it("reads the requests of our own callers", () => {
    expect(readPlainHead(lines(7).join("\r\n"))).toEqual({
      target: "/echo.Echo/Say",
      bodyBytes: 7,
      headers: {
        host: "127.0.0.1:8443",
        "content-type": "application/json",
        authorization: "Bearer abc.def-ghi",
        "content-length": "7",
      },
    });
  });

  it("takes nothing that another reader would read otherwise", async () => {
    const accepted = fc.sample(head, 3_000).filter((text) => readPlainHead(text) !== undefined);
    expect(accepted.length).toBeGreaterThan(50);
    for (const text of accepted.slice(0, 200)) {
      const read = readPlainHead(text);
      seen.length = 0;
      const socket = connect(port, "127.0.0.1");
      socket.write(`${text}\r\n\r\n${"x".repeat(read?.bodyBytes ?? 0)}`, "latin1");
      await once(socket, "data");
      socket.destroy();
      expect(seen).toEqual([{ target: read?.target ?? "", headers: { ...read?.headers } }]);
    }
  });

  it.each([
    ["another method", "GET / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1"],
    ["HTTP/1.0", lines(1).join("\r\n").replace("1.1", "1.0")],
    ["a target in absolute form", lines(1).join("\r\n").replace("/echo", "http://x/echo")],
    ["a stream", lines(1).join("\r\n").replace("application/json", "application/connect+json")],
    ["no length", lines(1).slice(0, -1).join("\r\n")],
    ["two lengths", [...lines(1), "Content-Length: 1"].join("\r\n")],
    ["a length with a sign", lines(1).join("\r\n").replace("length: 1", "length: +1")],
    ["a large body", lines(5_000_000).join("\r\n")],
    ["chunks", [...lines(1), "Transfer-Encoding: chunked"].join("\r\n")],
    ["a line feed alone", lines(1).join("\n")],
    ["a folded line", [...lines(1), " more"].join("\r\n")],
    ["a name of the prototype", [...lines(1), "__proto__: x"].join("\r\n")],
    ["a blank before a colon", [...lines(1), "x-a : b"].join("\r\n")],
    ["more than headers may have", [...lines(1), `x-a: ${"b".repeat(20_000)}`].join("\r\n")],
  ])("leaves %s to others", (_what, text) => {
    expect(readPlainHead(text)).toBeUndefined();
  });
});
