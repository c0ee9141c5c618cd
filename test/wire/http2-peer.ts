import { createServer, type AddressInfo, type Socket } from "node:net";
import { waitUntil } from "#testing/wait-until.ts";
import { endHeaders, endStream, frame, frameType, header, preface } from "./http2-frames.ts";

/** A frame that a client sent. */
export interface SeenFrame {
  readonly kind: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A server of HTTP/2 that says what a test tells it to, whether it makes sense or not, on each of its connections. */
export interface Http2Peer extends AsyncDisposable {
  readonly address: string;
  /** Frames of all connections, in the order in which they came. */
  readonly seen: readonly SeenFrame[];
  /** Sends bytes on the newest connection. */
  say(...bytes: readonly Uint8Array[]): void;
  /** The newest connection, once there is one. */
  socket(): Socket;
  readonly connectionCount: number;
  /** True once the newest connection is closed. */
  readonly isClosed: boolean;
  /** Waits for the first frame that is `kind`, behind those that were waited for before. */
  next(kind: number): Promise<SeenFrame>;
}

/** Headers of an answer in gRPC. */
export function answerHead(stream: number, flags = endHeaders): Buffer {
  const block = Buffer.concat([header(":status", "200"), header("content-type", "application/grpc+json")]);
  return frame(frameType.headers, flags, stream, block);
}

/** What follows a message that went well. */
export function answerEnd(stream: number): Buffer {
  return frame(frameType.headers, endHeaders | endStream, stream, header("grpc-status", "0"));
}

/** A message in its envelope. */
export function envelope(text: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(text), 1);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** Starts one on a free port. It sends `greeting` at once. @default SETTINGS that say nothing */
export async function startHttp2Peer(greeting: Uint8Array = frame(frameType.settings, 0, 0)): Promise<Http2Peer> {
  const seen: SeenFrame[] = [];
  const sockets: Socket[] = [];
  let closedCount = 0;
  let nextAt = 0;
  const server = createServer((socket) => {
    sockets.push(socket);
    let rest = Buffer.alloc(0);
    let isGreeted = false;
    socket.on("error", () => undefined);
    socket.on("close", () => (closedCount += 1));
    socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      if (!isGreeted && rest.byteLength >= preface.length) {
        isGreeted = true;
        rest = rest.subarray(preface.length);
      }
      if (!isGreeted) return;
      while (rest.byteLength >= 9 && rest.byteLength >= 9 + rest.readUIntBE(0, 3)) {
        const end = 9 + rest.readUIntBE(0, 3);
        const [, , , kind = 0, flags = 0] = rest;
        seen.push({ kind, flags, stream: rest.readUInt32BE(5), payload: rest.subarray(9, end) });
        rest = rest.subarray(end);
      }
    });
    socket.write(greeting);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const newest = (): Socket => {
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error("nobody has connected");
    return socket;
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    socket: newest,
    say: (...bytes) => void newest().write(Buffer.concat(bytes)),
    get connectionCount() {
      return sockets.length;
    },
    get isClosed() {
      return sockets.length > 0 && closedCount === sockets.length;
    },
    next: async (kind) => {
      let found = -1;
      await waitUntil(`a frame of kind ${kind}`, () => {
        found = seen.findIndex((each, index) => index >= nextAt && each.kind === kind);
        return found !== -1;
      });
      nextAt = found + 1;
      const frame = seen[found];
      if (frame === undefined) throw new Error("no frame");
      return frame;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
