import { MicroError } from "#base/error.ts";
import { setOwn } from "./set-own.ts";

/**
 * Fields of protobuf read one at a time, for messages that are so many that the library's objects would be the work.
 * A field that is not asked for costs its skip. Groups, which nothing of ours uses, are refused.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class ProtoFields {
  /** Number of the field that `next()` found. */
  number = 0;
  readonly #bytes: Uint8Array;
  readonly #limit: number;
  #type = 0;
  #start = 0;
  #end = 0;
  #at: number;

  /**
   * @param start where the message begins in `bytes`. @default 0
   * @param limit where it ends. @default the end of `bytes`
   */
  constructor(bytes: Uint8Array, start = 0, limit: number = bytes.byteLength) {
    this.#bytes = bytes;
    this.#limit = limit;
    this.#at = start;
  }

  /** Where the value of a field with a length begins in the bytes. @throws MicroError `invalid_argument` when it has another type. */
  get start(): number {
    if (this.#type !== bytesType) throw malformed();
    return this.#start;
  }

  /** Where the field ends in the bytes. */
  get end(): number {
    return this.#end;
  }

  /** Moves to the next field; false at the end. @throws MicroError `invalid_argument` for bytes that are no protobuf. */
  next(): boolean {
    if (this.#at >= this.#limit) return false;
    const tag = this.#varint();
    this.number = tag >>> 3;
    this.#type = tag & 7;
    if (this.#type === varintType) {
      this.#start = this.#at;
      this.#varint();
    } else {
      const length = this.#length();
      this.#start = this.#at;
      this.#at += length;
    }
    this.#end = this.#at;
    if (this.#end > this.#limit || this.number === 0) throw malformed();
    return true;
  }

  /**
   * The value as bytes: a view of the message, or a copy where it is so short that a view costs more.
   *
   * @throws MicroError `invalid_argument` when it has another type.
   */
  bytes(): Uint8Array {
    const { start } = this;
    const byteCount = this.#end - start;
    if (byteCount > copiedBytesMax) return this.#bytes.subarray(start, this.#end);
    const copy = new Uint8Array(byteCount);
    for (let at = 0; at < byteCount; at += 1) copy[at] = this.#bytes[start + at] ?? 0;
    return copy;
  }

  /** The value as a message of its own; makes no view of the bytes, which costs more than reading a few fields. */
  nested(): ProtoFields {
    return new ProtoFields(this.#bytes, this.start, this.#end);
  }

  /** The value as text. @throws MicroError `invalid_argument` when it has another type or is not UTF-8. */
  text(): string {
    return readText(this.#bytes, this.start, this.#end);
  }

  /** The value as a number of at most 53 bits. @throws MicroError `invalid_argument` when it has another type. */
  integer(): number {
    if (this.#type !== varintType) throw malformed();
    this.#at = this.#start;
    return this.#varint();
  }

  #length(): number {
    if (this.#type === bytesType) return this.#varint();
    if (this.#type === fixed64Type) return 8;
    if (this.#type === fixed32Type) return 4;
    throw malformed();
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < varintBytesMax; count += 1) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw malformed();
      this.#at += 1;
      // Not by shifts, which hold 32 bits only.
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw malformed();
  }
}

const varintType = 0;
const fixed64Type = 1;
const bytesType = 2;
const fixed32Type = 5;
const varintBytesMax = 10;
/** Up to this many bytes, a copy is faster than a view. */
const copiedBytesMax = 32;
/** Up to this many letters, a loop is faster than the decoder. */
const shortTextMax = 24;
// A mark at the beginning is part of the text.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text in UTF-8. @throws MicroError `invalid_argument` when it is none. */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= shortTextMax) {
    let text = "";
    for (let at = start; at < end; at += 1) {
      const code = bytes[at] ?? 0;
      if (code > 127) return decodeText(bytes.subarray(start, end));
      text += String.fromCharCode(code);
    }
    return text;
  }
  return decodeText(bytes.subarray(start, end));
}

/** The entries of field `number`, a map of texts. @throws MicroError `invalid_argument` when it is none. */
export function readTextMap(fields: ProtoFields, number: number): Record<string, string> {
  const map: Record<string, string> = {};
  while (fields.next()) {
    if (fields.number !== number) continue;
    let key = "";
    let value = "";
    for (const entry = fields.nested(); entry.next();) {
      if (entry.number === 1) key = entry.text();
      else if (entry.number === 2) value = entry.text();
    }
    setOwn(map, key, value);
  }
  return map;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new MicroError("invalid_argument", "a text in the message is not UTF-8", { cause });
  }
}

function malformed(): MicroError {
  return new MicroError("invalid_argument", "the bytes are not a protobuf message");
}

/** Bytes that a number takes as a varint. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

/** Writes a varint at `at`; returns where it ends. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let end = at;
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) {
    target[end] = (rest % 128) | 128;
    end += 1;
  }
  target[end] = rest;
  return end + 1;
}

/** Bytes that a field with a length takes. */
export function lengthFieldSize(number: number, byteCount: number): number {
  return varintSize(number * 8 + bytesType) + varintSize(byteCount) + byteCount;
}

/** Writes what comes before the `byteCount` bytes of a field with a length; returns where they begin. */
export function writeLengthHead(target: Uint8Array, at: number, number: number, byteCount: number): number {
  return writeVarint(target, writeVarint(target, at, number * 8 + bytesType), byteCount);
}

/** Writes a field that holds bytes; returns where it ends. */
export function writeBytes(target: Uint8Array, at: number, number: number, value: Uint8Array): number {
  const start = writeLengthHead(target, at, number, value.byteLength);
  target.set(value, start);
  return start + value.byteLength;
}

/** A field that holds bytes, alone. */
export function bytesField(number: number, value: Uint8Array): Uint8Array {
  const field = new Uint8Array(lengthFieldSize(number, value.byteLength));
  writeBytes(field, 0, number, value);
  return field;
}

/** A field that holds an integer, alone; nothing at all for 0, which is the default. */
export function integerField(number: number, value: number): Uint8Array {
  if (value === 0) return new Uint8Array(0);
  const field = new Uint8Array(varintSize(number * 8) + varintSize(value));
  writeVarint(field, writeVarint(field, 0, number * 8), value);
  return field;
}
