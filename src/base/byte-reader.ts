import { MicroError } from "./error.ts";

const nothing = new Uint8Array(0);

/** Takes bytes in the pieces that a parser wants from chunks of any size. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = nothing;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Between 1 and `countMax` bytes, or undefined at the end. The bytes are valid until the next call. */
  async some(countMax: number): Promise<Uint8Array | undefined> {
    while (this.#rest.byteLength === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      this.#rest = next.value;
    }
    const taken = this.#rest.subarray(0, countMax);
    this.#rest = this.#rest.subarray(taken.byteLength);
    return taken;
  }

  /** Exactly `count` bytes, or undefined at the end. @throws MicroError `invalid_argument` when it ends in between. */
  async exactly(count: number): Promise<Uint8Array | undefined> {
    const first = await this.some(count);
    if (first === undefined || first.byteLength === count) return first;
    const whole = new Uint8Array(count);
    whole.set(first);
    for (let at = first.byteLength; at < count;) {
      const piece = await this.some(count - at);
      if (piece === undefined) throw new MicroError("invalid_argument", "the archive is cut off");
      whole.set(piece, at);
      at += piece.byteLength;
    }
    return whole;
  }

  /** Reads to the end and forgets it, so that who sends is not cut off. */
  async drain(): Promise<void> {
    while ((await this.some(Number.MAX_SAFE_INTEGER)) !== undefined);
  }
}
