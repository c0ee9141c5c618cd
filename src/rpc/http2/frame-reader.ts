import { Http2ProtocolError } from "./protocol-error.ts";
import { errorCodes, frameBytesMax, frameHeadBytes, type FrameHead } from "./frames.ts";

/** Hears of each frame. The payload is a view that must not be kept, unless of bytes that nobody writes to. */
export interface FrameListener {
  onFrame(head: FrameHead, payload: Buffer): void;
}

/** Cuts what comes on a connection into frames. */
export class FrameReader {
  readonly #listener: FrameListener;
  /** The beginning of a frame that is not whole. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** @throws Http2ProtocolError for a frame that is too large, and what the listener throws. */
  push(chunk: Buffer): void {
    const bytes = this.#join(chunk);
    if (bytes === undefined) return;
    let at = 0;
    while (bytes.byteLength - at >= frameHeadBytes) {
      const size = bytes.readUIntBE(at, 3);
      if (size > frameBytesMax) throw new Http2ProtocolError(errorCodes.frameSize, "a frame is too large");
      const start = at + frameHeadBytes;
      if (bytes.byteLength - start < size) break;
      const [kind = 0, flags = 0] = [bytes[at + 3], bytes[at + 4]];
      const streamId = bytes.readUInt32BE(at + 5) & 0x7fffffff;
      at = start + size;
      this.#listener.onFrame({ kind, flags, streamId, bytes: size }, bytes.subarray(start, at));
    }
    if (at < bytes.byteLength) this.#keep(bytes.subarray(at));
  }

  /** All that is there, as one piece; undefined while it is known to be no whole frame. */
  #join(chunk: Buffer): Buffer | undefined {
    if (this.#pendingBytes === 0) return chunk;
    this.#keep(chunk);
    const [first] = this.#pending;
    if (first === undefined || this.#pendingBytes < frameHeadBytes) return undefined;
    // Joined only when the frame is whole: a peer that sends byte by byte must not make us copy each time.
    const head = first.byteLength >= frameHeadBytes ? first : Buffer.concat(this.#pending);
    if (head !== first) this.#pending = [head];
    const wanted = frameHeadBytes + head.readUIntBE(0, 3);
    if (this.#pendingBytes < wanted && wanted <= frameHeadBytes + frameBytesMax) return undefined;
    const all = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    return all;
  }

  #keep(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.byteLength;
  }
}
