import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import fc from "fast-check";
import { encodeFrame, FrameDecoder } from "#rpc/grpc-frame.ts";
import { decodeWebText } from "#rpc/grpc-web-text.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { echoEndpoints, foreignEndpoint, startEdge, type Edge } from "./edge.ts";
import { startEchoServer, type EchoServer as ForeignServer } from "./grpc-js-echo.ts";
import { startEcho, type EchoServer } from "./start-echo.ts";

let edge: Edge;
let echo: EchoServer;
let foreign: ForeignServer;

beforeAll(async () => {
  [edge, echo, foreign] = await Promise.all([startEdge(), startEcho("bun"), startEchoServer()]);
  const node = { id: "echo-1", address: echo.rpcUnix, metadata: { http: echo.httpUnix } };
  await edge.register({ name: "echo", domain: "micro", nodes: [node], endpoints: echoEndpoints });
  await edge.register({
    name: "echo",
    domain: "go",
    nodes: [{ id: "go-1", address: foreign.address, metadata: {} }],
    endpoints: [foreignEndpoint("Echo.Unary"), foreignEndpoint("Echo.Fail")],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await echo[Symbol.asyncDispose]();
  await foreign[Symbol.asyncDispose]();
});

interface WebAnswer {
  readonly contentType: string | null;
  readonly messages: readonly string[];
  readonly trailers: Readonly<Record<string, string>>;
}

/** Note{text} in protobuf. */
function note(text: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(10, Buffer.byteLength(text)), Buffer.from(text)]);
}

function read(bytes: Uint8Array): Pick<WebAnswer, "messages" | "trailers"> {
  const messages: string[] = [];
  const trailers: Record<string, string> = {};
  for (const { flags, message } of new FrameDecoder().push(bytes)) {
    const text = Buffer.from(message).toString();
    if (flags === 0) messages.push(text);
    for (const line of flags === 0x80 ? text.trim().split("\r\n") : []) {
      const colon = line.indexOf(": ");
      trailers[line.slice(0, colon)] = line.slice(colon + 2);
    }
  }
  return { messages, trailers };
}

/** What the library of a page does: one POST, frames in the body, trailers as the last of them. */
async function call(
  method: string,
  message: Uint8Array,
  { type = "application/grpc-web+proto", headers = {} }: { type?: string; headers?: Record<string, string> } = {},
): Promise<WebAnswer> {
  const isText = type.includes("text");
  const frame = encodeFrame(message);
  const answer = await fetch(`http://${edge.proxy}/echo.Echo/${method}`, {
    method: "POST",
    headers: { "content-type": type, "x-grpc-web": "1", ...headers },
    body: isText ? Buffer.from(frame).toString("base64") : frame,
  });
  expect(answer.status).toBe(200);
  const body = Buffer.from(await answer.arrayBuffer());
  // Each chunk of a text answer is padded for itself.
  const bytes = isText
    ? Buffer.concat(
        body
          .toString()
          .match(/[^=]+=*/g)
          ?.map((part) => Buffer.from(part, "base64")) ?? [],
      )
    : body;
  return { contentType: answer.headers.get("content-type"), ...read(bytes) };
}

describe("gRPC-Web at the proxy", () => {
  for (const type of [
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
  ]) {
    it(`answers unary calls as ${type}`, async () => {
      expect(await call("Say", note("grün"), { type })).toEqual({
        contentType: type,
        messages: [Buffer.from(note("grün")).toString()],
        trailers: { "grpc-status": "0" },
      });
    });

    it(`answers server streams as ${type}`, async () => {
      // Note{text: "a", count: 3}
      const { messages, trailers } = await call("Repeat", Buffer.concat([note("a"), Uint8Array.of(16, 3)]), { type });
      expect(messages).toHaveLength(3);
      expect(trailers).toEqual({ "grpc-status": "0" });
    });
  }

  it("answers in JSON", async () => {
    const { messages } = await call("Say", Buffer.from('{"text":"hi"}'), { type: "application/grpc-web+json" });
    expect(messages.map((each) => JSON.parse(each) as unknown)).toEqual([{ text: "hi", count: 0 }]);
  });

  it("tells failures in the trailers, also after messages", async () => {
    const failed = await call("Say", note("fail:not_found"));
    expect(failed.messages).toEqual([]);
    expect(failed.trailers["grpc-status"]).toBe("5");
    expect(JSON.parse(decodeURIComponent(failed.trailers["grpc-message"] ?? ""))).toMatchObject({ code: 404 });
    const broken = await call("Repeat", Buffer.concat([note("fail"), Uint8Array.of(16, 2)]));
    expect(broken.messages).toHaveLength(2);
    expect(broken.trailers["grpc-status"]).toBe("6");
  });

  it("keeps the status of a service of another framework", async () => {
    const headers = { "micro-namespace": "go" };
    expect((await call("Unary", Buffer.from("x"), { headers })).messages).toEqual(["x"]);
    const { trailers } = await call("Fail", Buffer.from("not here"), { headers });
    expect(trailers).toMatchObject({ "grpc-status": "5", "grpc-message": "not%20here" });
  });

  it("checks who calls like every other door", async () => {
    const { trailers } = await call("Plain", note("x"));
    expect(trailers["grpc-status"]).toBe("16");
  });

  it("ends the call of a page that leaves", async () => {
    const leaving = new AbortController();
    const answer = await fetch(`http://${edge.proxy}/echo.Echo/Repeat`, {
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto" },
      body: encodeFrame(Buffer.concat([note("quiet-web"), Uint8Array.of(16, 3)])),
      signal: leaving.signal,
    });
    await answer.body?.getReader().read();
    leaving.abort();
    await waitUntil("the stream ended", async () =>
      (await call("Say", note("log"))).messages.join("").includes("quiet-web ended cancelled"),
    );
  });

  it("refuses what is no frame", async () => {
    for (const body of ["", "x", "\u0000\u0000\u0000\u0000\u0009abc"]) {
      const answer = await fetch(`http://${edge.proxy}/echo.Echo/Say`, {
        method: "POST",
        headers: { "content-type": "application/grpc-web" },
        body,
      });
      expect(read(Buffer.from(await answer.arrayBuffer())).trailers["grpc-status"]).toBe("3");
    }
  });
});

describe("pages of other origins at the proxy", () => {
  it("are told that they may call", async () => {
    const asked = "content-type,x-grpc-web,authorization,connect-protocol-version";
    const answer = await fetch(`http://${edge.proxy}/echo.Echo/Say`, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": asked,
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(answer.headers.get("access-control-allow-methods")).toBe("POST");
    expect(answer.headers.get("access-control-allow-headers")).toBe(asked);
  });

  it("may read answers, and what they say in headers", async () => {
    for (const [type, body] of [
      ["application/grpc-web+proto", encodeFrame(note("x"))],
      ["application/json", Buffer.from("{}")],
    ] as const) {
      const headers = { origin: "https://app.example.com", "content-type": type };
      const answer = await fetch(`http://${edge.proxy}/echo.Echo/Say`, { method: "POST", headers, body });
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.get("access-control-expose-headers")).toContain("grpc-status");
      await answer.arrayBuffer();
    }
  });
});

describe("decodeWebText()", () => {
  it("gives the bytes of any texts one after the other, however they are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1 })),
        fc.integer({ min: 1, max: 7 }),
        async (parts, size) => {
          const text = parts.map((each) => Buffer.from(each).toString("base64")).join("");
          async function* cut(): AsyncGenerator<Uint8Array> {
            for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
          }
          const decoded: Uint8Array[] = [];
          for await (const each of decodeWebText(cut())) decoded.push(each);
          expect(Buffer.concat(decoded)).toEqual(Buffer.concat(parts));
        },
      ),
    );
  });
});
