import { compactText, isJsonText } from "./json-text.ts";

/** Bytes as text where they are printable text, else hexadecimal after `0x`: what others wrote must not steer a terminal. */
export function formatBytes(bytes: Uint8Array): string {
  return decodePrintable(bytes) ?? `0x${Buffer.from(bytes).toString("hex")}`;
}

/** The same on one line: JSON without its blanks, other line breaks as escapes. */
export function formatBytesLine(bytes: Uint8Array): string {
  const text = decodePrintable(bytes);
  if (text === undefined) return formatBytes(bytes);
  if (isJsonText(text)) return compactText(text);
  return text.replace(/[\n\r\t]/g, (character) => JSON.stringify(character).slice(1, -1));
}

/** Bytes as a field of a JSON object: JSON as it stands there, text as a string, else base64 under another name. */
export function bytesField(name: string, bytes: Uint8Array): Readonly<Record<string, string>> {
  const text = decodeText(bytes);
  if (text === undefined) return { [`${name}_base64`]: JSON.stringify(Buffer.from(bytes).toString("base64")) };
  return { [name]: isJsonText(text) ? compactText(text) : JSON.stringify(text) };
}

/** The bytes of a field of a JSON answer. */
export function bytesOf(value: unknown): Uint8Array {
  return typeof value === "string" ? Buffer.from(value, "base64") : new Uint8Array(0);
}

/** `1.4 MB`: decimal units, as disks are sold. */
export function formatSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const step = Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1_000 ** step).toFixed(1)} ${units[step]}`;
}

const units = ["B", "kB", "MB", "GB", "TB"];

function decodePrintable(bytes: Uint8Array): string | undefined {
  const text = decodeText(bytes);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text === undefined || /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(text) ? undefined : text;
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
