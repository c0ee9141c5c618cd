import { Buffer } from "node:buffer";

/** Bytes in the standard alphabet, padded. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** Bytes of a text in either alphabet, padded or not; undefined when it is no base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.length - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0);
  const bytes = Buffer.from(text, "base64");
  // The decoder leaves out what is no base64 digit, so a bad text gives too few bytes.
  if (digits % 4 === 1 || bytes.length !== Math.floor((digits * 3) / 4)) return undefined;
  return new Uint8Array(bytes);
}
