import type { JsonObject } from "#base/json.ts";
import type { Value } from "#interface/registry.ts";

const scalars: Readonly<Record<string, JsonObject>> = {
  string: { type: "string" },
  bool: { type: "boolean" },
  boolean: { type: "boolean" },
  float32: { type: "number", format: "float" },
  float64: { type: "number", format: "double" },
  int32: { type: "integer", format: "int32" },
  uint32: { type: "integer", minimum: 0 },
  // Beyond what a JSON number holds exactly, and so text in answers; both are taken in requests.
  int64: { type: ["integer", "string"], format: "int64" },
  uint64: { type: ["integer", "string"], format: "uint64" },
  "[]uint8": { type: "string", contentEncoding: "base64" },
  any: {},
};

/** JSON Schema (2020-12) of a type tree of the registry. What a tree does not tell, such as the words of an enum, is left open. */
export function toJsonSchema(value: Value): JsonObject {
  return schemaOf(value.type, value.values);
}

function schemaOf(type: string, fields: readonly Value[]): JsonObject {
  const scalar = Object.hasOwn(scalars, type) ? scalars[type] : undefined;
  if (scalar !== undefined) return scalar;
  if (type.startsWith("[]")) return { type: "array", items: schemaOf(type.slice(2), fields) };
  const map = /^map\[\w+\](.+)$/.exec(type);
  if (map?.[1] !== undefined) return { type: "object", additionalProperties: schemaOf(map[1], fields) };
  if (fields.length === 0) return {};
  return { type: "object", properties: Object.fromEntries(fields.map((field) => [field.name, toJsonSchema(field)])) };
}
