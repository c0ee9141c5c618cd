import type { ByteSocket } from "#rpc/byte-socket.ts";
import { errorCodes } from "./frames.ts";
import { Http2ProtocolError } from "./protocol-error.ts";

/** Replies that may wait for a peer that asks and does not read. */
const replyCountMax = 10_000;

/** Sends the frames of one connection. Those of one turn of the loop go out together, whichever calls they belong to. */
export class FrameWriter {
  #socket: ByteSocket | undefined;
  #frames: Uint8Array[] = [];
  #isScheduled = false;
  #replyCount = 0;

  /** The connection stands: what was written so far goes out. */
  attach(socket: ByteSocket): void {
    this.#socket = socket;
    this.flush();
  }

  /** From now on nothing is sent. */
  detach(): void {
    this.#socket = undefined;
    this.#frames = [];
  }

  write(frame: Uint8Array): void {
    this.#frames.push(frame);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.flush());
  }

  /** A frame that the peer asked for. @throws Http2ProtocolError when it asks for more than it takes. */
  reply(frame: Uint8Array): void {
    this.#replyCount += 1;
    if (this.#replyCount > replyCountMax) throw new Http2ProtocolError(errorCodes.calm, "it asks for too much");
    this.write(frame);
  }

  flush(): void {
    this.#isScheduled = false;
    const [first] = this.#frames;
    if (this.#socket === undefined || first === undefined) return;
    const bytes = this.#frames.length === 1 ? first : Buffer.concat(this.#frames);
    this.#frames = [];
    if (this.#socket.write(bytes)) this.#replyCount = 0;
  }

  /** The peer has taken everything that was sent. */
  drained(): void {
    this.#replyCount = 0;
  }
}
