import { ScalarType } from "@bufbuild/protobuf";
import type { JsonValue } from "#base/json.ts";
import type { JsonPath } from "./json-path.ts";

/** Turns one value of a message into JSON. */
export type WriteValue = (value: unknown) => JsonValue;
/** Turns JSON into one value of a message. @throws MicroError `invalid_argument` that names the field. */
export type ReadValue = (json: unknown, path: JsonPath) => unknown;

/** The kind of a scalar as the registry's type trees spell it. */
export function scalarKind(type: ScalarType): string {
  return kinds[type];
}

const kinds: Readonly<Record<ScalarType, string>> = {
  [ScalarType.DOUBLE]: "float64",
  [ScalarType.FLOAT]: "float32",
  [ScalarType.INT64]: "int64",
  [ScalarType.SFIXED64]: "int64",
  [ScalarType.SINT64]: "int64",
  [ScalarType.UINT64]: "uint64",
  [ScalarType.FIXED64]: "uint64",
  [ScalarType.INT32]: "int32",
  [ScalarType.SFIXED32]: "int32",
  [ScalarType.SINT32]: "int32",
  [ScalarType.UINT32]: "uint32",
  [ScalarType.FIXED32]: "uint32",
  [ScalarType.BOOL]: "bool",
  [ScalarType.STRING]: "string",
  [ScalarType.BYTES]: "[]uint8",
};
