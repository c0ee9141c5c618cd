import type { ScalarType } from "@bufbuild/protobuf";
import type { JsonValue } from "#base/json.ts";
import { toBase64 } from "./base64.ts";
import { scalarKind, type WriteValue } from "./proto-scalar.ts";

/** How a scalar is written: 64-bit integers as strings, bytes as base64, NaN and infinities as their names. */
export function scalarWriter(type: ScalarType): WriteValue {
  switch (scalarKind(type)) {
    case "int64":
    case "uint64":
      return String;
    case "float64":
      return (value) => (Number.isFinite(value) ? Number(value) : String(value));
    case "float32":
      return (value) => (Number.isFinite(value) ? shortestFloat32(Number(value)) : String(value));
    case "[]uint8":
      return (value) => (value instanceof Uint8Array ? toBase64(value) : null);
    default:
      return (value) => value as JsonValue;
  }
}

/** The shortest decimal that is this float32: 0.1, where the nearest double would print as 0.10000000149011612. */
function shortestFloat32(value: number): number {
  if (Number.isInteger(value)) return value;
  const wanted = Math.fround(value);
  for (let digits = 6; digits < 9; digits += 1) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === wanted) return candidate;
  }
  return Number(value.toPrecision(9));
}
