import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";

/**
 * Length-prefixed messages: one byte of flags, four bytes of length (big endian), the message.
 * gRPC and the streams of Connect share this form.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export interface Frame {
  readonly flags: number;
  readonly message: Uint8Array;
}

/** The message is compressed; we never negotiate that. */
export const frameFlagCompressed = 0b01;
/** Connect: the frame is the end of the stream, its message a JSON object. */
export const frameFlagEndStream = 0b10;

const headerBytes = 5;

/** One message with its prefix. @param flags @default 0 */
export function encodeFrame(message: Uint8Array, flags = 0): Uint8Array {
  const frame = new Uint8Array(headerBytes + message.byteLength);
  const length = message.byteLength;
  frame[0] = flags;
  frame[1] = length >>> 24;
  frame[2] = length >>> 16;
  frame[3] = length >>> 8;
  frame[4] = length;
  frame.set(message, headerBytes);
  return frame;
}

/**
 * Cuts a stream of bytes into frames. Each byte is copied at most a constant number of times, however small the chunks
 * are, and no more memory is taken than twice what has arrived.
 *
 * Messages may be views of the chunks that were pushed, so a chunk must not be written to afterwards.
 */
export class FrameDecoder {
  readonly #messageBytesMax: number;
  #pending: Uint8Array = new Uint8Array(0);
  #pendingBytes = 0;

  /** @param messageBytesMax @default limits.messageBytesMax */
  constructor(messageBytesMax: number = limits.messageBytesMax) {
    this.#messageBytesMax = messageBytesMax;
  }

  /** Bytes of an unfinished frame. Above zero at the end of a stream means that the stream was cut. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** The frames that `chunk` completes. @throws MicroError `payload_too_large` for a frame that announces too long a message. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let rest = chunk;
    while (rest.byteLength > 0 && this.#pendingBytes > 0) rest = this.#complete(rest, frames);
    let offset = 0;
    while (rest.byteLength - offset >= headerBytes) {
      const end = offset + headerBytes + this.#messageBytes(rest, offset);
      if (end > rest.byteLength) break;
      frames.push({ flags: rest[offset] ?? 0, message: rest.subarray(offset + headerBytes, end) });
      offset = end;
    }
    if (offset < rest.byteLength) this.#keep(rest.subarray(offset));
    return frames;
  }

  /** Takes from `chunk` what the unfinished frame lacks; returns what is left. */
  #complete(chunk: Uint8Array, frames: Frame[]): Uint8Array {
    const wanted = this.#pendingBytes < headerBytes ? headerBytes : headerBytes + this.#messageBytes(this.#pending, 0);
    const taken = Math.min(wanted - this.#pendingBytes, chunk.byteLength);
    this.#keep(chunk.subarray(0, taken));
    if (
      this.#pendingBytes >= headerBytes &&
      this.#pendingBytes === headerBytes + this.#messageBytes(this.#pending, 0)
    ) {
      frames.push({ flags: this.#pending[0] ?? 0, message: this.#pending.subarray(headerBytes, this.#pendingBytes) });
      this.#pending = new Uint8Array(0);
      this.#pendingBytes = 0;
    }
    return chunk.subarray(taken);
  }

  #keep(bytes: Uint8Array): void {
    const total = this.#pendingBytes + bytes.byteLength;
    if (total > this.#pending.byteLength) {
      const grown = new Uint8Array(this.#pendingBytes === 0 ? total : total * 2);
      grown.set(this.#pending.subarray(0, this.#pendingBytes));
      this.#pending = grown;
    }
    this.#pending.set(bytes, this.#pendingBytes);
    this.#pendingBytes = total;
  }

  #messageBytes(bytes: Uint8Array, at: number): number {
    const high = bytes[at + 1] ?? 0;
    const low = ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0);
    const length = high * 0x1_00_00_00 + low;
    if (length <= this.#messageBytesMax) return length;
    throw new MicroError(
      "payload_too_large",
      `a message of ${length} bytes is above the limit of ${this.#messageBytesMax} bytes`,
    );
  }
}
