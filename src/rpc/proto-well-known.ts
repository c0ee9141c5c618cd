import {
  create,
  fromJson,
  toBinary,
  toJson,
  type DescField,
  type DescMessage,
  type JsonValue as ProtoJsonValue,
  type Message,
  type Registry,
} from "@bufbuild/protobuf";
import { AnySchema, isWrapperDesc, type Any } from "@bufbuild/protobuf/wkt";
import { isRecord } from "#base/json.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import type { JsonPath } from "./json-path.ts";
import type { ReadValue, WriteValue } from "./proto-scalar.ts";
import { setOwn } from "./set-own.ts";

/**
 * The types of google.protobuf with a JSON form of their own, and what the registry's type trees call it.
 * https://protobuf.dev/programming-guides/json/
 */
const wellKnownKinds: ReadonlyMap<string, string> = new Map([
  ["google.protobuf.Timestamp", "string"],
  ["google.protobuf.Duration", "string"],
  ["google.protobuf.FieldMask", "string"],
  ["google.protobuf.Struct", "Struct"],
  ["google.protobuf.Value", "Value"],
  ["google.protobuf.ListValue", "ListValue"],
  ["google.protobuf.Any", "Any"],
  ["google.protobuf.DoubleValue", "float64"],
  ["google.protobuf.FloatValue", "float32"],
  ["google.protobuf.Int64Value", "int64"],
  ["google.protobuf.UInt64Value", "uint64"],
  ["google.protobuf.Int32Value", "int32"],
  ["google.protobuf.UInt32Value", "uint32"],
  ["google.protobuf.BoolValue", "bool"],
  ["google.protobuf.StringValue", "string"],
  ["google.protobuf.BytesValue", "[]uint8"],
]);

/** What a type tree calls a message with a JSON form of its own; undefined for all others. */
export function wellKnownKind(desc: DescMessage): string | undefined {
  return wellKnownKinds.get(desc.typeName);
}

/** True for a field whose message is a wrapper that the library unwraps: its value is the scalar itself. */
export function isUnwrapped(field: DescField): boolean {
  return field.fieldKind === "message" && field.oneof === undefined && isWrapperDesc(field.message);
}

/** True for a field that holds a Struct, which the library keeps as a plain JSON object. */
export function isPlainStruct(field: DescField): boolean {
  return field.message?.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value";
}

/** True where JSON `null` is a value and does not mean "absent". */
export function isNullable(field: DescField): boolean {
  return field.message?.typeName === "google.protobuf.Value" || field.enum?.typeName === "google.protobuf.NullValue";
}

/** Writes a message with a JSON form of its own. `registry` knows the types that an Any may hold. */
export function wellKnownWriter(desc: DescMessage, registry: Registry): WriteValue | undefined {
  if (!wellKnownKinds.has(desc.typeName)) return undefined;
  const write: WriteValue = (message) => toJson(desc, message as Message, { registry });
  if (desc.typeName !== AnySchema.typeName) return write;
  return (message) => {
    const any = message as Any;
    const typeName = any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
    if (any.typeUrl === "" || registry.getMessage(typeName) !== undefined) return write(message);
    // A type that we do not know has no JSON form; its bytes are still better than no answer.
    return { "@type": any.typeUrl, value: toBase64(any.value) };
  };
}

/** Reads a message with a JSON form of its own. */
export function wellKnownReader(desc: DescMessage, registry: Registry): ReadValue | undefined {
  if (!wellKnownKinds.has(desc.typeName)) return undefined;
  return (json, path) => {
    const free = readFreeJson(json, path);
    try {
      if (desc.typeName === AnySchema.typeName) return readAny(free, registry);
      const message = fromJson(desc, free as ProtoJsonValue, { registry, ignoreUnknownFields: true });
      // Some values read well and cannot be written, such as a Value that holds nothing.
      toBinary(desc, message);
      return message;
    } catch {
      throw path.fault(json, `a ${desc.name}`);
    }
  };
}

function readAny(json: unknown, registry: Registry): Any {
  const typeUrl = isRecord(json) ? json["@type"] : undefined;
  const value = isRecord(json) ? json["value"] : undefined;
  const isKnown =
    typeof typeUrl === "string" && registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1)) !== undefined;
  if (isKnown || typeof typeUrl !== "string" || typeof value !== "string") {
    return fromJson(AnySchema, json as ProtoJsonValue, { registry });
  }
  const bytes = fromBase64(value);
  if (bytes === undefined) throw new TypeError("the value of an Any of an unknown type is base64");
  return create(AnySchema, { typeUrl, value: bytes });
}

/** Reads a JSON object that stands for a Struct. */
export const readPlainStruct: ReadValue = (json, path) => {
  if (!isRecord(json)) throw path.fault(json, "an object");
  return readFreeJson(json, path);
};

/** JSON of any shape, not nested too deep, its texts such that they have a UTF-8 form. */
function readFreeJson(json: unknown, path: JsonPath): unknown {
  if (typeof json === "string") return json.toWellFormed();
  if (typeof json !== "object" || json === null) return json;
  const read = (key: string | number, value: unknown): unknown => {
    path.enter(key);
    const item = readFreeJson(value, path);
    path.leave();
    return item;
  };
  if (Array.isArray(json)) return json.map((item, index) => read(index, item));
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(json)) setOwn(out, key.toWellFormed(), read(key, value));
  return out;
}
