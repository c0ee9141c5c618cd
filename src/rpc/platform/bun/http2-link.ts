import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Http2Link } from "#rpc/http2-link.ts";
import { PeerWindows } from "./peer-windows.ts";

/** A client's first words on a connection: `PRI * HTTP/2.0` and so on. */
const clientPrefaceBytes = 24;

/** Puts our own account of the peer's windows between a connection and Bun's HTTP/2, whose books are wrong. */
export function linkHttp2(socket: Socket, side: "server" | "client"): Http2Link {
  const windows = new PeerWindows(side === "server" ? clientPrefaceBytes : 0);
  return {
    duplex: new WindowedSocket(socket, windows),
    begin: (streamId) => windows.begin(streamId),
    end: (streamId) => windows.end(streamId),
  };
}

/** The socket as HTTP/2 reads and writes it. */
class WindowedSocket extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket, windows: PeerWindows) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk: Uint8Array) => {
      let takesMore = true;
      for (const piece of windows.read(chunk)) takesMore = this.push(piece);
      if (!takesMore) socket.pause();
    });
    socket.on("connect", () => this.emit("connect"));
    socket.on("end", () => this.push(null));
    socket.on("error", (reason) => this.destroy(reason));
    socket.on("close", () => this.destroy());
  }

  get connecting(): boolean {
    return this.#socket.connecting;
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  ref(): this {
    this.#socket.ref();
    return this;
  }

  unref(): this {
    this.#socket.unref();
    return this;
  }

  override _read(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (reason?: Error | null) => void): void {
    if (this.#socket.write(chunk)) done();
    else this.#socket.once("drain", () => done());
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(reason: Error | null, done: (reason?: Error | null) => void): void {
    this.#socket.destroy();
    done(reason);
  }
}
