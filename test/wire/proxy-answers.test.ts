import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { Metadata, Server, ServerCredentials, status, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import type { ServerWritableStream } from "@grpc/grpc-js";
import { dial, RawCall } from "./http2-call.ts";
import { foreignEndpoint, startEdge, type Edge } from "./edge.ts";

const bytes = (value: Buffer): Buffer => value;
const method = (path: string, responseStream: boolean) => ({
  path,
  requestStream: false,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});

/** A status with a detail of a type that Micro does not know, as services of other frameworks send it. */
const foreignDetails = Buffer.from("\u0008\u0003\u0012\u0003bad\u001a\u0010\n\u000etype/x.BadThing", "latin1");

/** A service of another framework that says more than its messages. */
function startTalkative(): Promise<{ address: string; stop(): void }> {
  const server = new Server();
  const metadata = (values: Readonly<Record<string, string | Buffer>>): Metadata => {
    const built = new Metadata();
    for (const [key, value] of Object.entries(values)) built.set(key, value);
    return built;
  };
  server.addService(
    {
      unary: method("/talk.Talk/Unary", false),
      fail: method("/talk.Talk/Fail", false),
      early: method("/talk.Talk/Early", true),
    },
    {
      unary: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
        call.sendMetadata(metadata({ "x-served-by": "talk", "x-key-bin": Buffer.from([0, 255, 1]) }));
        reply(null, call.request, metadata({ "x-cost": "7", "x-sum-bin": Buffer.from([9]) }));
      },
      fail: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
        const trailers = metadata({ "x-why": "because", "grpc-status-details-bin": foreignDetails });
        reply({
          code: status.FAILED_PRECONDITION,
          details: `${call.request.toString()}: 100% grün`,
          metadata: trailers,
        });
      },
      early: (call: ServerWritableStream<Buffer, Buffer>) => {
        call.sendMetadata(metadata({ "x-early": "yes" }));
      },
    },
  );
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve({ address: `127.0.0.1:${port}`, stop: () => server.forceShutdown() });
      else reject(error);
    });
  });
}

let edge: Edge;
let talkative: Awaited<ReturnType<typeof startTalkative>>;

beforeAll(async () => {
  [edge, talkative] = await Promise.all([startEdge(), startTalkative()]);
  await edge.register({
    name: "talk",
    domain: "micro",
    nodes: [{ id: "talk-1", address: talkative.address, metadata: {} }],
    // One endpoint is known to be unary, the others might be anything.
    endpoints: [foreignEndpoint("Talk.Unary")],
  });
});

afterAll(async () => {
  talkative.stop();
  await edge[Symbol.asyncDispose]();
});

/** One call through the proxy, seen as it goes over the wire. */
async function call(name: string, message: string): Promise<RawCall> {
  const session = dial(edge.proxy);
  const raw = new RawCall(session, { ":path": `/talk.Talk/${name}`, "content-type": "application/grpc+proto" });
  raw.send(message).stream.end();
  await raw.closed();
  session.close();
  return raw;
}

describe("the proxy in front of a service of another framework", () => {
  it("passes on headers and trailers, binary ones too", async () => {
    const answer = await call("Unary", "hello");
    expect(answer.messages).toEqual(['"hello"']);
    expect(answer.headers).toMatchObject({ "x-served-by": "talk", "x-key-bin": "AP8B" });
    expect(answer.trailers).toMatchObject({ "grpc-status": "0", "x-cost": "7", "x-sum-bin": "CQ==" });
  });

  it("says of the connection only what is true of its own", async () => {
    const { headers } = await call("Unary", "hello");
    expect(headers["content-type"]).toBe("application/grpc+proto");
    expect(Object.keys(headers).filter((name) => name.startsWith("grpc-"))).toEqual([]);
  });

  it("keeps status, text, details and trailers of a failure to the letter", async () => {
    const answer = await call("Fail", "no");
    const said = { ...answer.headers, ...answer.trailers } as Record<string, string>;
    expect(said["grpc-status"]).toBe(String(status.FAILED_PRECONDITION));
    expect(decodeURIComponent(said["grpc-message"] ?? "")).toBe('"no": 100% grün');
    expect(Buffer.from(said["grpc-status-details-bin"] ?? "", "base64")).toEqual(foreignDetails);
    expect(said["x-why"]).toBe("because");
  });

  it("passes on the headers of a stream before its first message", async () => {
    const session = dial(edge.proxy);
    const raw = new RawCall(session, { ":path": "/talk.Talk/Early", "content-type": "application/grpc+proto" });
    raw.send("x").stream.end();
    const headers = await new Promise<Record<string, unknown>>((resolve) => {
      raw.stream.once("response", (received) => resolve({ ...received }));
    });
    expect(headers["x-early"]).toBe("yes");
    raw.stream.close();
    session.destroy();
  });
});
