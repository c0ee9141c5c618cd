import type { ScalarType } from "@bufbuild/protobuf";
import { fromBase64 } from "./base64.ts";
import type { JsonPath } from "./json-path.ts";
import { scalarKind, type ReadValue } from "./proto-scalar.ts";

/**
 * How a scalar is read. What says the same in another form is taken: numbers and booleans as strings, strings as numbers
 * and booleans, base64 in either alphabet with or without padding.
 */
export function scalarReader(type: ScalarType): ReadValue {
  switch (scalarKind(type)) {
    case "string":
      return readString;
    case "bool":
      return readBool;
    case "[]uint8":
      return readBytes;
    case "float64":
      return readFloat64;
    case "float32":
      return readFloat32;
    case "int32":
      return (json, path) => readInt(json, path, int32Range);
    case "uint32":
      return (json, path) => readInt(json, path, uint32Range);
    case "int64":
      return (json, path) => readBigInt(json, path, int64Range);
    default:
      return (json, path) => readBigInt(json, path, uint64Range);
  }
}

function readString(json: unknown, path: JsonPath): string {
  // Half of a surrogate pair has no UTF-8 form.
  if (typeof json === "string") return json.toWellFormed();
  if (typeof json === "number" || typeof json === "boolean") return String(json);
  throw path.fault(json, "a string");
}

const trueTexts: ReadonlySet<unknown> = new Set([true, 1, "true", "True", "TRUE", "t", "T", "1"]);
const falseTexts: ReadonlySet<unknown> = new Set([false, 0, "false", "False", "FALSE", "f", "F", "0"]);

function readBool(json: unknown, path: JsonPath): boolean {
  if (trueTexts.has(json)) return true;
  if (falseTexts.has(json)) return false;
  throw path.fault(json, "a bool");
}

function readBytes(json: unknown, path: JsonPath): Uint8Array {
  const bytes = typeof json === "string" ? fromBase64(json) : undefined;
  if (bytes === undefined) throw path.fault(json, "base64");
  return bytes;
}

interface Range<T> {
  readonly name: string;
  readonly min: T;
  readonly max: T;
}

const int32Range: Range<number> = { name: "an int32", min: -(2 ** 31), max: 2 ** 31 - 1 };
const uint32Range: Range<number> = { name: "a uint32", min: 0, max: 2 ** 32 - 1 };
const int64Range: Range<bigint> = { name: "an int64", min: -(2n ** 63n), max: 2n ** 63n - 1n };
const uint64Range: Range<bigint> = { name: "a uint64", min: 0n, max: 2n ** 64n - 1n };

function readInt(json: unknown, path: JsonPath, range: Range<number>): number {
  const number = toNumber(json);
  if (number === undefined || !Number.isInteger(number) || number < range.min || number > range.max) {
    throw path.fault(json, range.name);
  }
  // Minus zero is no integer of protobuf.
  return number + 0;
}

/** More digits than any 64-bit integer has; longer texts would only cost time. */
const integerText = /^[+-]?\d{1,32}$/;

function readBigInt(json: unknown, path: JsonPath, range: Range<bigint>): bigint {
  const exact =
    typeof json === "string" && integerText.test(json.trim()) ? BigInt(json.trim().replace("+", "")) : undefined;
  const number = exact === undefined ? toNumber(json) : undefined;
  const bigint = exact ?? (number !== undefined && Number.isInteger(number) ? BigInt(number) : undefined);
  if (bigint === undefined || bigint < range.min || bigint > range.max) throw path.fault(json, range.name);
  return bigint;
}

const specialFloats: ReadonlyMap<unknown, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

function readFloat64(json: unknown, path: JsonPath): number {
  const number = specialFloats.get(json) ?? toNumber(json);
  if (number === undefined) throw path.fault(json, "a float64");
  return number;
}

function readFloat32(json: unknown, path: JsonPath): number {
  const special = specialFloats.get(json);
  if (special !== undefined) return special;
  const number = toNumber(json);
  if (number === undefined || !Number.isFinite(Math.fround(number))) throw path.fault(json, "a float32");
  return Math.fround(number);
}

const decimalText = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** A finite number from a number or a decimal text. */
function toNumber(json: unknown): number | undefined {
  const number = typeof json === "string" && decimalText.test(json.trim()) ? Number(json) : json;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}
