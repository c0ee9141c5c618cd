import { MicroError } from "#base/error.ts";

/** What a field must hold to be a key or to be indexed. */
export type IndexValue = string | number | boolean | Date;

/** Ends a value inside a key of the store: below every character that an encoded value may hold. */
export const separator = "!";

/** Right above every key that begins with a value and the separator, and below every key of a greater value. */
export const afterSeparator = '"';

/**
 * A value as text whose bytewise order is the order of the values: false before true, numbers by size, dates by time,
 * strings by code points. Values of different kinds never meet: kinds are ordered as boolean, date, number, string. The
 * text never holds the separator, and no text is the beginning of another one once the separator follows.
 *
 * @throws MicroError `invalid_argument` for NaN, an invalid date, and text that is no Unicode.
 */
export function encodeIndexValue(value: IndexValue): string {
  if (typeof value === "boolean") return value ? "b1" : "b0";
  if (typeof value === "number") return `n${encodeNumber(value, "a number that is NaN cannot be indexed")}`;
  if (typeof value === "string") return `s${encodeText(value)}`;
  return `d${encodeNumber(value.getTime(), "an invalid date cannot be indexed")}`;
}

/** True for what `encodeIndexValue` takes. */
export function isIndexValue(value: unknown): value is IndexValue {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" || value instanceof Date;
}

/** Text without the separator and whatever sorts below it, in the same order: those characters become `"` and two digits. */
export function encodeText(text: string): string {
  if (!text.isWellFormed())
    throw new MicroError("invalid_argument", "text with half a surrogate pair cannot be indexed");
  // oxlint-disable-next-line no-control-regex -- control characters sort below the separator too.
  return text.replace(/[\u0000-"]/g, (each) => `"${each.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Order of two texts as the store sees it, by UTF-8 bytes; that of JavaScript differs above U+FFFF. */
export function compareKeys(a: string, b: string): number {
  const first = a[Symbol.iterator]();
  const second = b[Symbol.iterator]();
  for (;;) {
    const left = first.next();
    const right = second.next();
    if (left.done === true || right.done === true) return Number(right.done ?? false) - Number(left.done ?? false);
    if (left.value !== right.value) return (left.value.codePointAt(0) ?? 0) - (right.value.codePointAt(0) ?? 0);
  }
}

/** Sixteen hexadecimal digits: the bits of the number, with those of negative ones turned around. */
function encodeNumber(value: number, refusal: string): string {
  if (Number.isNaN(value)) throw new MicroError("invalid_argument", refusal);
  const view = new DataView(new ArrayBuffer(8));
  // Minus zero equals zero.
  view.setFloat64(0, value === 0 ? 0 : value);
  const bits = view.getBigUint64(0);
  const ordered = bits >> 63n === 1n ? ~bits & allBits : bits | signBit;
  return ordered.toString(16).padStart(16, "0");
}

const signBit = 1n << 63n;
const allBits = (1n << 64n) - 1n;
