import { http2HeaderName } from "#rpc/header-syntax.ts";
import { setOwn } from "#rpc/set-own.ts";
import { HpackError } from "./protocol-error.ts";
import { decodeHuffman } from "./hpack-huffman.ts";
import { HpackTable, sizeOf, type HeaderField } from "./hpack-table.ts";

/** Bytes of the table that a peer may use; what it may do unless it is told otherwise, and it is not. */
const tableBytesMax = 4_096;

/** Larger numbers mean nothing here. */
const numberMax = 2 ** 24;

const valuePattern = /^[^\0\r\n]*$/;

/**
 * Reads the blocks of headers of one connection, in the order in which they come.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7541
 */
export class HpackDecoder {
  readonly #listBytesMax: number;
  readonly #table = new HpackTable(tableBytesMax);
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /** @param listBytesMax what the headers of one block may count together: one byte can name a header of kilobytes. */
  constructor(listBytesMax: number) {
    this.#listBytesMax = listBytesMax;
  }

  /**
   * The headers of a block; several of one name are joined with ", ".
   *
   * @throws HpackError for a block that cannot be read, or that says too much; nothing behind it can be read either.
   */
  decode(block: Buffer): Record<string, string> {
    this.#block = block;
    this.#at = 0;
    const headers: Record<string, string> = {};
    let bytes = 0;
    while (this.#at < block.byteLength) {
      const field = this.#readField();
      if (field === undefined) continue;
      bytes += sizeOf(field);
      if (bytes > this.#listBytesMax) throw new HpackError("the headers are too long");
      const { name, value } = field;
      setOwn(headers, name, Object.hasOwn(headers, name) ? `${headers[name]}, ${value}` : value);
    }
    return headers;
  }

  /** The next header; undefined for what only changes the table. */
  #readField(): HeaderField | undefined {
    const first = this.#block[this.#at] ?? 0;
    if (first >= 0x80) return this.#find(this.#readNumber(7));
    if (first >= 0x40) {
      const field = this.#readLiteral(6);
      this.#table.add(field);
      return field;
    }
    if (first < 0x20) return this.#readLiteral(4);
    const bytesMax = this.#readNumber(5);
    if (bytesMax > tableBytesMax) throw new HpackError("the table is larger than it may be");
    this.#table.resize(bytesMax);
    return undefined;
  }

  #readLiteral(prefixBits: number): HeaderField {
    const index = this.#readNumber(prefixBits);
    const name = index === 0 ? this.#readText() : this.#find(index).name;
    const value = this.#readText();
    if (!http2HeaderName.test(name) || !valuePattern.test(value)) throw new HpackError("a header is none");
    return { name, value };
  }

  #find(index: number): HeaderField {
    const field = this.#table.get(index);
    if (field === undefined) throw new HpackError("a header has a number that is none");
    return field;
  }

  #readText(): string {
    const isHuffman = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#readNumber(7);
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#block.byteLength) throw new HpackError("the headers end too early");
    if (isHuffman) return decodeHuffman(this.#block.subarray(start, this.#at));
    return this.#block.toString("latin1", start, this.#at);
  }

  /** A number that begins in the last bits of the next byte. */
  #readNumber(prefixBits: number): number {
    const prefixMax = (1 << prefixBits) - 1;
    let number = this.#nextByte() & prefixMax;
    if (number < prefixMax) return number;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#nextByte();
      number += (byte & 0x7f) * factor;
      if (number > numberMax) throw new HpackError("a number is too large");
      if (byte < 0x80) return number;
      if (factor > numberMax) throw new HpackError("a number is too long");
    }
  }

  #nextByte(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw new HpackError("the headers end too early");
    this.#at += 1;
    return byte;
  }
}
