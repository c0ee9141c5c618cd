/** Reads parts of a message, and knows the last: one that is byte for byte that before is not read again, and is the same value. */
export class LastRead<T> {
  readonly #bytes: Uint8Array;
  readonly #read: (start: number, end: number) => T;
  #last: { readonly start: number; readonly end: number; readonly value: T } | undefined;

  /** @param read gives the value of the bytes from `start` to before `end`. */
  constructor(bytes: Uint8Array, read: (start: number, end: number) => T) {
    this.#bytes = bytes;
    this.#read = read;
  }

  /** The value of the bytes from `start` to before `end`. @throws what `read` throws */
  read(start: number, end: number): T {
    if (this.#last === undefined || !isSame(this.#bytes, this.#last, { start, end })) {
      this.#last = { start, end, value: this.#read(start, end) };
    }
    return this.#last.value;
  }
}

/** A part of the message. */
interface Range {
  readonly start: number;
  readonly end: number;
}

function isSame(bytes: Uint8Array, a: Range, b: Range): boolean {
  if (a.end - a.start !== b.end - b.start) return false;
  for (let at = a.start, other = b.start; at < a.end; at += 1, other += 1) if (bytes[at] !== bytes[other]) return false;
  return true;
}
