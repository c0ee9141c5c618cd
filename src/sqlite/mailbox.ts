import { MicroError } from "#base/error.ts";
import { KiB, MiB } from "#base/limits.ts";

/** A request as it lies in the mailbox. */
export interface Mail<Head> {
  readonly head: Head;
  /** A view on memory that the next request overwrites. */
  readonly bytes: Uint8Array;
}

/** The words at the start: how many requests were put in so far, the length of the head, and that of the bytes. */
const wordCount = 3;
/** Where the bytes begin, which may be read eight at once. */
const bytesAt = 16;
const smallestBytes = 64 * KiB;
/** Of address space; memory is taken as requests need it. */
const largestBytes = 512 * MiB;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Hands requests to a thread that does nothing but wait for them, one at a time. It sleeps on a word of shared memory: to
 * wake it this way and to copy the request costs a fifth of a message, which is written down object by object, goes
 * through the event loops of both sides, and is read again.
 */
export class Mailbox {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  #seenCount = 0;

  /** @param memory of the other side's mailbox. @default new memory */
  constructor(memory = new SharedArrayBuffer(smallestBytes, { maxByteLength: largestBytes })) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, wordCount);
  }

  /** Only after the request before was answered. @param head as JSON. @throws MicroError `payload_too_large` */
  put(head: unknown, bytes: Uint8Array): void {
    const text = encoder.encode(JSON.stringify(head));
    const end = bytesAt + bytes.byteLength + text.byteLength;
    this.#reserve(end);
    const target = new Uint8Array(this.memory, bytesAt, end - bytesAt);
    target.set(bytes);
    target.set(text, bytes.byteLength);
    this.#words[1] = text.byteLength;
    this.#words[2] = bytes.byteLength;
    Atomics.add(this.#words, 0, 1);
    Atomics.notify(this.#words, 0);
  }

  /** Waits for the next request, and holds up everything else in this thread meanwhile. */
  take<Head>(): Mail<Head> {
    Atomics.wait(this.#words, 0, this.#seenCount);
    this.#seenCount = Atomics.load(this.#words, 0);
    const [, textBytes = 0, byteCount = 0] = this.#words;
    const text = decoder.decode(new Uint8Array(this.memory, bytesAt + byteCount, textBytes));
    return { head: JSON.parse(text) as Head, bytes: new Uint8Array(this.memory, bytesAt, byteCount) };
  }

  #reserve(byteCount: number): void {
    const { byteLength } = this.memory;
    if (byteCount <= byteLength) return;
    if (byteCount > largestBytes) {
      throw new MicroError("payload_too_large", `${byteCount} bytes are one write; ${largestBytes} are the most`);
    }
    this.memory.grow(Math.min(largestBytes, Math.max(byteCount, byteLength * 2)));
  }
}
