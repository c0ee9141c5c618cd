import { limits } from "#base/limits.ts";

const newline = 0x0a;
const cutMark = " …[cut]";

/** Makes lines of text from bytes in pieces of any size. A line above the limit is cut; its rest is dropped. */
export class LineSplitter {
  readonly #bytesMax: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #isCut = false;
  readonly #decoder = new TextDecoder();

  constructor(bytesMax: number = limits.logLineBytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that these bytes complete, without their ends. */
  push(bytes: Uint8Array): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, from)) {
      this.#keep(bytes.subarray(from, end));
      lines.push(this.#take());
      from = end + 1;
    }
    this.#keep(bytes.subarray(from));
    return lines;
  }

  /** What is left at the end: a last line without an end, or nothing. */
  end(): string[] {
    return this.#pendingBytes === 0 ? [] : [this.#take()];
  }

  /** Copied, because the caller may use the memory again. */
  #keep(piece: Uint8Array): void {
    const roomBytes = this.#bytesMax - this.#pendingBytes;
    if (piece.byteLength > roomBytes) this.#isCut = true;
    const kept = piece.slice(0, roomBytes);
    if (kept.byteLength === 0) return;
    this.#pending.push(kept);
    this.#pendingBytes += kept.byteLength;
  }

  #take(): string {
    const [only] = this.#pending;
    const whole = this.#pending.length === 1 && only !== undefined ? only : Buffer.concat(this.#pending);
    const text = this.#decoder.decode(whole).replace(/\r$/, "");
    const line = this.#isCut ? `${text}${cutMark}` : text;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#isCut = false;
    return line;
  }
}
