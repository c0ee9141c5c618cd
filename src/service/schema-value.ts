import { z } from "zod";
import type { Value } from "#interface/registry.ts";
import {
  definitionOf,
  isBytesSchema,
  numberFormat,
  schemaName,
  unwrapSchema,
  type Schema,
  type SchemaSide,
} from "./schema-kind.ts";

/** Where the tree of a schema that contains itself is cut, as every Micro service does. */
const depthMax = 6;

/**
 * The tree that the registry publishes for a schema, in the type names of the wire contract: `string`, `float64`,
 * `int64`, `bool`, `[]T`, `map[string]T`, a message's name with its fields, `any` where JSON is all that is known.
 *
 * @param name name of the message where the schema has none of its own
 */
export function schemaToValue(schema: Schema, name: string, side: SchemaSide): Value {
  const top = unwrapSchema(schema, side);
  const type = typeName(top, name, side);
  return { name: schemaName(schema, z.globalRegistry) ?? type, type, values: fields(top, side, 1) };
}

function fields(schema: Schema, side: SchemaSide, depth: number): Value[] {
  const definition = definitionOf(schema);
  if (depth >= depthMax) return [];
  if (definition.type === "intersection") {
    return [
      ...fields(unwrapSchema(definition.left, side), side, depth),
      ...fields(unwrapSchema(definition.right, side), side, depth),
    ];
  }
  if (definition.type !== "object") return [];
  return Object.entries(definition.shape).map(([name, field]) => {
    const inner = unwrapSchema(field, side);
    return { name, type: typeName(inner, toTypeName(name), side), values: fields(inner, side, depth + 1) };
  });
}

function typeName(schema: Schema, fallbackName: string, side: SchemaSide, depth = 0): string {
  const definition = definitionOf(schema);
  switch (definition.type) {
    case "string":
    case "enum":
    case "date":
    case "template_literal":
      return "string";
    case "boolean":
      return "bool";
    case "number":
      return numberTypes[numberFormat(definition) ?? ""] ?? "float64";
    case "bigint":
      return numberFormat(definition) === "uint64" ? "uint64" : "int64";
    case "literal":
      return literalType(definition.values);
    case "object":
    case "intersection":
      return schemaName(schema, z.globalRegistry) ?? fallbackName;
    case "array":
      return depth > depthMax ? "any" : `[]${elementType(definition.element, fallbackName, side, depth)}`;
    case "set":
      return depth > depthMax ? "any" : `[]${elementType(definition.valueType, fallbackName, side, depth)}`;
    case "record":
    case "map":
      return depth > depthMax ? "any" : `map[string]${elementType(definition.valueType, fallbackName, side, depth)}`;
    case "custom":
      return isBytesSchema(schema) ? "[]uint8" : "any";
    default:
      return "any";
  }
}

function elementType(schema: Schema, fallbackName: string, side: SchemaSide, depth: number): string {
  return typeName(unwrapSchema(schema, side), fallbackName, side, depth + 1);
}

const numberTypes: Readonly<Record<string, string>> = {
  safeint: "int64",
  int32: "int32",
  uint32: "uint32",
  float32: "float32",
  float64: "float64",
};

function literalType(values: readonly unknown[]): string {
  const kinds = new Set(values.map((each) => typeof each));
  if (kinds.size !== 1) return "any";
  if (kinds.has("string")) return "string";
  if (kinds.has("boolean")) return "bool";
  return kinds.has("number") ? "float64" : "any";
}

/** `home_address` → `HomeAddress`: what an unnamed nested message is called. */
function toTypeName(field: string): string {
  return field
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}
