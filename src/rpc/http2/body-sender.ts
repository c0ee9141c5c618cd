import type { FrameWriter } from "./frame-writer.ts";
import {
  errorCodes,
  frameBytesMax,
  frameFlags,
  frameHeadBytes,
  frameKinds,
  windowBytesDefault,
  windowBytesMax,
  writeFrameHead,
} from "./frames.ts";
import { Http2ProtocolError } from "./protocol-error.ts";

/** A body that the peer has not made room for yet. */
interface WaitingBody {
  readonly body: Uint8Array;
  at: number;
  windowBytes: number;
}

/** Sends the bodies of the requests of one connection, each whole and no faster than the peer makes room. */
export class BodySender {
  readonly #writer: FrameWriter;
  /** What the peer takes on the connection, all streams together. */
  #windowBytes = windowBytesDefault;
  /** What it takes on a stream that begins. */
  #initialBytes = windowBytesDefault;
  readonly #waiting = new Map<number, WaitingBody>();

  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  send(streamId: number, body: Uint8Array): void {
    const waiting = { body, at: 0, windowBytes: this.#initialBytes };
    if (!this.#pump(streamId, waiting)) this.#waiting.set(streamId, waiting);
  }

  /** Gives up what is left of a body. @returns false where nothing was. */
  forget(streamId: number): boolean {
    return this.#waiting.delete(streamId);
  }

  /** @throws Http2ProtocolError for a size that is none. */
  setInitialWindow(bytes: number): void {
    if (bytes > windowBytesMax) throw new Http2ProtocolError(errorCodes.flowControl, "a window is too large");
    for (const waiting of this.#waiting.values()) waiting.windowBytes += bytes - this.#initialBytes;
    this.#initialBytes = bytes;
    this.#pumpAll();
  }

  /** The peer makes room; on stream 0 for the connection. @throws Http2ProtocolError for more than there can be. */
  widen(streamId: number, bytes: number): void {
    if (streamId === 0) {
      this.#windowBytes = widened(this.#windowBytes, bytes);
      this.#pumpAll();
      return;
    }
    const waiting = this.#waiting.get(streamId);
    if (waiting === undefined) return;
    waiting.windowBytes = widened(waiting.windowBytes, bytes);
    if (this.#pump(streamId, waiting)) this.#waiting.delete(streamId);
  }

  #pumpAll(): void {
    for (const [streamId, waiting] of this.#waiting) {
      if (this.#windowBytes <= 0) return;
      if (this.#pump(streamId, waiting)) this.#waiting.delete(streamId);
    }
  }

  /** Sends what there is room for; true when that was all. */
  #pump(streamId: number, waiting: WaitingBody): boolean {
    const { body } = waiting;
    for (;;) {
      const leftBytes = body.byteLength - waiting.at;
      const bytes = Math.min(leftBytes, frameBytesMax, this.#windowBytes, waiting.windowBytes);
      if (bytes <= 0 && leftBytes > 0) return false;
      const isLast = bytes === leftBytes;
      const frame = Buffer.allocUnsafe(frameHeadBytes + bytes);
      const flags = isLast ? frameFlags.endStream : 0;
      const start = writeFrameHead(frame, 0, { kind: frameKinds.data, flags, streamId, bytes });
      frame.set(body.subarray(waiting.at, waiting.at + bytes), start);
      this.#writer.write(frame);
      waiting.at += bytes;
      waiting.windowBytes -= bytes;
      this.#windowBytes -= bytes;
      if (isLast) return true;
    }
  }
}

function widened(windowBytes: number, bytes: number): number {
  if (bytes === 0) throw new Http2ProtocolError(errorCodes.protocol, "a window grows by nothing");
  if (windowBytes + bytes > windowBytesMax)
    throw new Http2ProtocolError(errorCodes.flowControl, "a window is too large");
  return windowBytes + bytes;
}
