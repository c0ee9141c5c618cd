/** Archives for tests: also those that no honest program would make. */
export interface TarPart {
  readonly name: string;
  readonly text?: string;
  /** Type of the entry. @default "0", a file */
  readonly flag?: string;
  readonly link?: string;
  /** @default 0o644 */
  readonly mode?: number;
}

const blockBytes = 512;

/** The header and content of one entry, as they are asked for and not as they should be. */
export function tarEntry({ name, text = "", flag = "0", link = "", mode = 0o644 }: TarPart): Uint8Array<ArrayBuffer> {
  const content = Buffer.from(text);
  const bytes = Buffer.alloc(blockBytes + Math.ceil(content.byteLength / blockBytes) * blockBytes);
  bytes.write(name, 0, 100);
  bytes.write(`${mode.toString(8).padStart(7, "0")}\0`, 100);
  bytes.write(`${content.byteLength.toString(8).padStart(11, "0")}\0`, 124);
  bytes.write(flag, 156, 1, "latin1");
  bytes.write(link, 157, 100);
  bytes.write("ustar\x0000", 257);
  bytes.fill(0x20, 148, 156);
  const sum = bytes.subarray(0, blockBytes).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  content.copy(bytes, blockBytes);
  return bytes;
}

export function tarOf(parts: readonly TarPart[]): Uint8Array<ArrayBuffer> {
  return Buffer.concat([...parts.map(tarEntry), Buffer.alloc(2 * blockBytes)]);
}
