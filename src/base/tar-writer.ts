import { joinBytes } from "./join-bytes.ts";
import { tarBlockBytes } from "./tar-header.ts";

/** A regular file as an archive names it. */
export interface TarFile {
  /** Relative, with `/`. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
}

const encoder = new TextEncoder();

/**
 * The blocks that stand before a file's content: a ustar header, and before it a pax header where path or size do not
 * fit. Owner and time are zero, so that the same files always give the same archive.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_03
 */
export function encodeTarHeader(entry: TarFile): Uint8Array {
  const path = encoder.encode(entry.path);
  const records = [
    ...(path.length > 100 ? [encodePaxRecord("path", entry.path)] : []),
    ...(entry.sizeBytes > sizeBytesMax ? [encodePaxRecord("size", String(entry.sizeBytes))] : []),
  ];
  const mode = entry.isExecutable ? 0o755 : 0o644;
  const size = Math.min(entry.sizeBytes, sizeBytesMax);
  const header = encodeBlock({ name: path.subarray(0, 100), size, mode, type: "0" });
  if (records.length === 0) return header;
  const pax = joinBytes(records);
  const paxHeader = encodeBlock({ name: encoder.encode("pax"), size: pax.length, mode: 0o644, type: "x" });
  return joinBytes([paxHeader, pax, tarPadding(pax.length), header]);
}

/** Zeros up to the next block. */
export function tarPadding(sizeBytes: number): Uint8Array {
  return new Uint8Array((tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes);
}

/** Eleven octal digits. */
const sizeBytesMax = 0o77777777777;

function encodeBlock(fields: {
  readonly name: Uint8Array;
  readonly size: number;
  readonly mode: number;
  readonly type: "0" | "x";
}): Uint8Array {
  const block = new Uint8Array(tarBlockBytes);
  block.set(fields.name, 0);
  setOctal(block, 100, 8, fields.mode);
  setOctal(block, 108, 8, 0);
  setOctal(block, 116, 8, 0);
  setOctal(block, 124, 12, fields.size);
  setOctal(block, 136, 12, 0);
  // The checksum counts its own field as blanks.
  block.fill(0x20, 148, 156);
  block.set(encoder.encode(fields.type), 156);
  block.set(encoder.encode("ustar\u000000"), 257);
  setOctal(
    block,
    148,
    8,
    block.reduce((sum, byte) => sum + byte, 0),
  );
  return block;
}

function setOctal(block: Uint8Array, offset: number, length: number, value: number): void {
  block.set(encoder.encode(`${value.toString(8).padStart(length - 1, "0")}\0`), offset);
}

/** `LENGTH key=value\n`, where the length counts itself. */
function encodePaxRecord(key: string, value: string): Uint8Array {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return encoder.encode(`${length} ${key}=${value}\n`);
}
