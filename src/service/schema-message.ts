import { safeParse, type z } from "zod";
import { MicroError } from "#base/error.ts";
import type { JsonValue } from "#base/json.ts";
import type { MessageType } from "#rpc/method.ts";
import { toBase64 } from "#rpc/base64.ts";
import { coerceToSchema } from "./schema-coercion.ts";
import { describeIssues } from "./schema-issues.ts";
import { definitionOf, unwrapSchema, type Schema, type SchemaSide } from "./schema-kind.ts";
import { schemaToValue } from "./schema-value.ts";

/**
 * A message type out of a zod schema: what comes in is checked, with unknown keys dropped and scalars of the wrong kind
 * converted; what goes out is checked too, so that a field that the schema does not have never leaves the service.
 *
 * Asynchronous refinements are not supported: a handler is the place for checks that wait.
 *
 * @param name name of the type where the schema has none by `.meta({ id })`
 * @param side which side of transformations the JSON is: `input` for requests, `output` for responses
 */
export function createSchemaMessage<S extends Schema>(
  schema: S,
  name: string,
  side: SchemaSide,
): MessageType<z.output<S>> {
  const value = schemaToValue(schema, name, side);
  const isPlainJson = containsOnlyJson(schema, new Set());
  return {
    name: value.type,
    value,
    fromJson: (json) => {
      const input = json === null || json === undefined ? {} : json;
      // Coercion copies the value; most requests are right as they are.
      const first = parse(schema, input);
      if (first.success) return first.data;
      const converted = coerceToSchema(schema, input);
      const second = parse(schema, converted);
      if (second.success) return second.data;
      throw new MicroError("invalid_argument", describeIssues(second.error.issues, converted));
    },
    toJson: (message) => {
      const result = parse(schema, message);
      if (!result.success) {
        const detail = `${value.type} does not match its schema: ${describeIssues(result.error.issues, message)}`;
        throw new MicroError("internal", detail);
      }
      // Transformations run once, in the service: a request leaves its caller as it was given.
      const checked: unknown = side === "output" ? result.data : message;
      // A schema of plain JSON kinds gave plain JSON.
      return isPlainJson ? (checked as JsonValue) : toJsonValue(checked);
    },
  };
}

function parse<S extends Schema>(schema: S, value: unknown): z.ZodSafeParseResult<z.output<S>> {
  try {
    return safeParse(schema, value);
  } catch (reason) {
    throw new MicroError("internal", "a schema of an endpoint failed; it must be synchronous and must not throw", {
      cause: reason,
    });
  }
}

/** True when every value that the schema accepts is JSON already, so that no copy is needed. */
function containsOnlyJson(schema: Schema, seen: Set<Schema>): boolean {
  if (seen.has(schema)) return true;
  seen.add(schema);
  if (definitionOf(schema).type === "pipe") return false;
  const inner = unwrapSchema(schema, "output");
  const definition = definitionOf(inner);
  const each = (schemas: readonly Schema[]): boolean => schemas.every((part) => containsOnlyJson(part, seen));
  switch (definition.type) {
    case "string":
    case "number":
    case "boolean":
    case "null":
    case "enum":
    case "template_literal":
      return true;
    case "literal":
      return definition.values.every((value) => typeof value !== "bigint" && value !== undefined);
    case "object":
      // Keys that the schema does not name pass unchecked through `z.looseObject`.
      return (
        (definition.catchall === undefined || definitionOf(definition.catchall).type === "never") &&
        each(Object.values(definition.shape))
      );
    case "array":
      return each([definition.element]);
    case "record":
      return each([definition.valueType]);
    case "union":
      return each(definition.options);
    case "tuple":
      return each(definition.rest === null ? definition.items : [...definition.items, definition.rest]);
    default:
      return false;
  }
}

/** As JSON writes it, with 64-bit integers as text, as in the JSON of protobuf. */
function toJsonValue(value: unknown): JsonValue {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return value.toString();
    case "object":
      return objectToJson(value);
    default:
      return null;
  }
}

function objectToJson(value: object | null): JsonValue {
  if (value === null) return null;
  if (value instanceof Uint8Array) return toBase64(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(toJsonValue);
  if (value instanceof Set) return [...value].map(toJsonValue);
  const entries: Iterable<[unknown, unknown]> = value instanceof Map ? value : Object.entries(value);
  const result: Record<string, JsonValue> = {};
  for (const [key, each] of entries) {
    if (each !== undefined && typeof each !== "function") result[String(key)] = toJsonValue(each);
  }
  return result;
}
