import { describe, expect, it } from "bun:test";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import { waitUntil } from "#testing/wait-until.ts";
import {
  endHeaders,
  endStream,
  frame,
  FrameReader,
  frameType,
  header,
  preface,
  setting,
  windowUpdate,
} from "./http2-frames.ts";
import { RawSocket } from "./raw-socket.ts";
import { startEcho, type Runtime } from "./start-echo.ts";

const initialWindow = 4;
const initialBytes = 65_535;
const text = "x".repeat(16 * 1024);

/** Steps as grpc-go takes them: room for one stream, then, as the connection shows to be fast, more for all. */
const steps = [
  { bytes: initialBytes },
  { stream: 262_249, bytes: 262_249 },
  { setting: 131_070, bytes: 131_070 - initialBytes },
  { setting: 294_888, bytes: 294_888 - 131_070 },
  { stream: 10, bytes: 10 },
  { setting: 500_000, bytes: 500_000 - 294_888 },
];

/** Takes each step on stream 1, and waits until exactly what it allows has come. */
async function takeSteps(socket: Socket, bytesRead: () => number): Promise<void> {
  let allowed = 0;
  for (const step of steps) {
    if (step.setting !== undefined) socket.write(setting(initialWindow, step.setting));
    if (step.stream !== undefined) socket.write(windowUpdate(1, step.stream));
    allowed += step.bytes;
    await waitUntil(`${allowed} bytes after ${JSON.stringify(step)}`, () => bytesRead() >= allowed);
    // Whoever sends more than it may would have done so before it answers this.
    expect(bytesRead()).toBe(allowed);
  }
}

/** Counts the bytes of stream 1 behind the first `skip` of the connection, and confirms settings. */
function countData(socket: Socket, skip = 0): () => number {
  const reader = new FrameReader();
  let left = skip;
  let bytes = 0;
  socket.on("data", (chunk: Uint8Array) => {
    const skipped = Math.min(left, chunk.byteLength);
    left -= skipped;
    for (const { kind, flags, stream, length } of reader.read(chunk.subarray(skipped))) {
      if (kind === frameType.data && stream === 1) bytes += length;
      if (kind === frameType.settings && flags === 0) socket.write(frame(frameType.settings, 1, 0));
    }
  });
  return () => bytes;
}

describe("a peer that gives its streams more room", () => {
  for (const runtime of ["bun", "node"] as const satisfies Runtime[]) {
    it(`gets as much of an answer as it allows, from a server on ${runtime}`, async () => {
      await using server = await startEcho(runtime);
      const { socket } = new RawSocket(server.rpc);
      const bytesRead = countData(socket);
      const headers = [":method POST", ":scheme http", ":path /echo.Echo/Repeat", ":authority x"].map((each) => {
        const [name = "", value = ""] = each.split(" ");
        return header(name, value);
      });
      const message = Buffer.from(JSON.stringify({ text, count: 10_000 }));
      const length = Buffer.alloc(5);
      length.writeUInt32BE(message.byteLength, 1);
      socket.write(preface);
      socket.write(Buffer.concat([frame(frameType.settings, 0, 0), windowUpdate(0, 100_000_000)]));
      const type = header("content-type", "application/grpc+json");
      socket.write(
        frame(frameType.headers, endHeaders, 1, Buffer.concat([...headers, type, header("te", "trailers")])),
      );
      for (const part of [length, message.subarray(0, 10_000), message.subarray(10_000)]) {
        socket.write(frame(frameType.data, part.byteLength > 5 && part.byteLength < 10_000 ? endStream : 0, 1, part));
      }
      await takeSteps(socket, bytesRead);
      socket.destroy();
    }, 30_000);
  }

  it("gets as much of a request as it allows, from our client", async () => {
    const net = createServer();
    await new Promise<void>((resolve) => {
      net.listen(0, "127.0.0.1", resolve);
    });
    const accepted = new Promise<Socket>((resolve) => {
      net.once("connection", resolve);
    });
    const transport = new GrpcTransport();
    async function* many(): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.from(text);
    }
    const { port } = net.address() as AddressInfo;
    const call = { service: "echo", endpoint: "Echo.Join", encoding: "json", metadata: {} } as const;
    const answers = transport.stream(`127.0.0.1:${port}`, call, many())[Symbol.asyncIterator]();
    const ended = answers.next().catch((reason: unknown) => reason);
    const socket = await accepted;
    socket.on("error", () => undefined);
    const bytesRead = countData(socket, preface.length);
    socket.write(Buffer.concat([frame(frameType.settings, 0, 0), windowUpdate(0, 100_000_000)]));
    await takeSteps(socket, bytesRead);
    socket.destroy();
    expect(await ended).toBeInstanceOf(Error);
    await transport.close();
    net.close();
  }, 30_000);
});
