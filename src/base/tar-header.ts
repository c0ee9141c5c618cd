import { MicroError } from "./error.ts";

/** Tar works in blocks of this size. */
export const tarBlockBytes = 512;

/** What an entry of a tar archive is. `extended` describes the entry after it; `other` is a link, a device or a pipe. */
export type TarEntryKind = "file" | "folder" | "extended" | "long-name" | "global" | "other";

/** One header of a tar archive, as it stands there: nothing in it is to be trusted. */
export interface TarHeader {
  readonly kind: TarEntryKind;
  readonly name: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
}

const decoder = new TextDecoder("utf-8", { fatal: true });
const kinds: Readonly<Record<string, TarEntryKind>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "5": "folder",
  x: "extended",
  g: "global",
  L: "long-name",
};

/** The header in a block of 512 bytes, undefined for the block of zeros that ends an archive. @throws MicroError `invalid_argument`. */
export function parseTarHeader(block: Uint8Array): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  requireChecksum(block);
  const isUstar = text(block, 257, 5) === "ustar";
  const prefix = isUstar && text(block, 257, 8) !== "ustar  " ? text(block, 345, 155) : "";
  const plain = text(block, 0, 100);
  const name = prefix === "" ? plain : `${prefix}/${plain}`;
  const flag = String.fromCharCode(block[156] ?? 0);
  const kind = kinds[flag] ?? "other";
  return {
    kind: kind === "file" && name.endsWith("/") ? "folder" : kind,
    name,
    sizeBytes: number(block, 124, 12),
    isExecutable: (number(block, 100, 8) & 0o100) !== 0,
  };
}

/** The records of an extended header (`path`, `size` …). @throws MicroError `invalid_argument`. */
export function parsePaxRecords(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.byteLength;) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 ? Number.NaN : Number(decodeText(bytes.subarray(at, space)));
    const end = at + length;
    if (!Number.isSafeInteger(length) || end <= space || end > bytes.byteLength || bytes[end - 1] !== 0x0a) {
      throw badArchive("an extended header is damaged");
    }
    const record = decodeText(bytes.subarray(space + 1, end - 1));
    const equals = record.indexOf("=");
    if (equals < 1) throw badArchive("an extended header is damaged");
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at = end;
  }
  return records;
}

/** Text up to its first zero byte. @throws MicroError `invalid_argument` for bytes that are not UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  try {
    return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
  } catch (cause) {
    throw new MicroError("invalid_argument", "the archive holds a name that is not UTF-8", { cause });
  }
}

export function badArchive(detail: string): MicroError {
  return new MicroError("invalid_argument", `the archive cannot be read: ${detail}`);
}

function text(block: Uint8Array, offset: number, length: number): string {
  return decodeText(block.subarray(offset, offset + length));
}

/** Octal digits, or for big numbers binary with the highest bit set. */
function number(block: Uint8Array, offset: number, length: number): number {
  const field = block.subarray(offset, offset + length);
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) {
    let value = first & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    if (!Number.isSafeInteger(value)) throw badArchive("a size is too large");
    return value;
  }
  const digits = decodeText(field).trim();
  if (!/^[0-7]*$/.test(digits)) throw badArchive("it is not a tar archive, or it is damaged");
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

function requireChecksum(block: Uint8Array): void {
  let sum = 8 * 0x20;
  for (const [index, byte] of block.entries()) {
    if (index < 148 || index >= 156) sum += byte;
  }
  if (number(block, 148, 8) !== sum) throw badArchive("it is not a tar archive, or it is damaged");
}
