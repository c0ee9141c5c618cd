import { HpackError } from "./protocol-error.ts";

/** The symbols by the length of their codes in bits, as hexadecimal bytes. Codes of one length count up in this order. */
const symbolsByBits: readonly (readonly [number, string])[] = [
  [5, "303132616365696f7374"],
  [6, "20252d2e2f333435363738393d415f62646667686c6d6e707275"],
  [7, "3a42434445464748494a4b4c4d4e4f5051525354555657596a6b71767778797a"],
  [8, "262a2c3b585a"],
  [10, "212228293f"],
  [11, "272b7c"],
  [12, "233e"],
  [13, "0024405b5d7e"],
  [14, "5e7d"],
  [15, "3c607b"],
  [19, "5cc3d0"],
  [20, "808283a2b8c2e0e2"],
  [21, "99a1a7acb0b1b3d1d8d9e3e5e6"],
  [22, "8184858688929a9ca0a3a4a9aaadb2b5b9babbbdbec4c6e4e8e9"],
  [23, "0187898a8b8c8d8f93959697989b9d9ea5a6a8aeafb4b6b7bcbfc5e7ef"],
  [24, "098e9091949fabced7e1eced"],
  [25, "c7cfeaeb"],
  [26, "c0c1c8c9cacdd2d5dadbeef0f2f3ff"],
  [27, "cbccd3d4d6dddedff1f4f5f6f7f8fafbfcfdfe"],
  [28, "020304050607080b0c0e0f1011121314151718191a1b1c1d1e1f7fdcf9"],
  [30, "0a0d16"],
];

/** No code is longer; that of the end, which is never sent as a whole, has so many ones. */
const bitsMax = 30;

/** All codes of one length. */
interface CodeRow {
  readonly first: number;
  readonly symbols: Buffer;
}

/** By length of the code. The codes of each length follow those of the one before, doubled. */
const rows: readonly CodeRow[] = createRows();

function createRows(): CodeRow[] {
  const symbols = new Map(symbolsByBits.map(([bits, hex]) => [bits, Buffer.from(hex, "hex")]));
  const made: CodeRow[] = [];
  let next = 0;
  for (let bits = 0; bits <= bitsMax; bits += 1) {
    const row = { first: next, symbols: symbols.get(bits) ?? Buffer.alloc(0) };
    made.push(row);
    next = (next + row.symbols.byteLength) * 2;
  }
  return made;
}

/**
 * A text in the Huffman code of HPACK, a character for each byte.
 *
 * @throws HpackError for a code that is none, or an end that is not filled with ones.
 * @see https://www.rfc-editor.org/rfc/rfc7541#section-5.2
 */
export function decodeHuffman(bytes: Uint8Array): string {
  // No symbol has fewer than five bits.
  const text = Buffer.allocUnsafe(Math.ceil((bytes.byteLength * 8) / 5));
  let length = 0;
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let shift = 7; shift >= 0; shift -= 1) {
      code = (code << 1) | ((byte >> shift) & 1);
      bits += 1;
      const row = rows[bits];
      if (row === undefined) throw new HpackError("a text has a code that is none");
      const symbol = row.symbols[code - row.first];
      if (symbol === undefined) continue;
      text[length] = symbol;
      length += 1;
      code = 0;
      bits = 0;
    }
  }
  if (bits > 7 || code !== (1 << bits) - 1) throw new HpackError("a text does not end as it should");
  return text.toString("latin1", 0, length);
}
