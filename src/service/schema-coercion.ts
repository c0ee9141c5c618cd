import { safeParse } from "zod";
import { isRecord } from "#base/json.ts";
import { fromBase64 } from "#rpc/base64.ts";
import { definitionOf, isBytesSchema, unwrapSchema, type Schema, type SchemaDefinition } from "./schema-kind.ts";

/**
 * Schemas and values that one coercion may visit: a small request to a schema of unions that contain themselves must
 * not cost exponential time. Above it, what is left is taken as it is, and validation decides.
 */
const visitCountMax = 20_000;

/** Longest text that is read as an integer of any size: converting costs more than linear time. */
const bigintLengthMax = 64;

interface Budget {
  visits: number;
  /** What unions made of a value before: two options that look into the same part ask only once. */
  readonly unions: Map<unknown, Map<readonly Schema[], unknown>>;
}

/**
 * A value with its scalars turned into the kinds that the schema wants, where that loses nothing: `"3"` → 3,
 * `"true"` → true, 3 → `"3"`, one value → a list of one, integer text → bigint, ISO text → Date, base64 → bytes, null →
 * absent. What fits already, and what cannot be converted, stays as it is. Forms and query strings, and callers in other languages,
 * send such values.
 */
export function coerceToSchema(schema: Schema, value: unknown): unknown {
  return coerce(schema, value, { visits: 0, unions: new Map() });
}

function coerce(schema: Schema, value: unknown, budget: Budget): unknown {
  budget.visits += 1;
  if (budget.visits > visitCountMax) return value;
  const inner = unwrapSchema(schema);
  const definition = definitionOf(inner);
  switch (definition.type) {
    case "custom":
      return isBytesSchema(inner) && typeof value === "string" ? (fromBase64(value) ?? value) : value;
    case "object":
      return coerceFields(definition.shape, value, budget);
    case "array":
      return coerceList(definition.element, value, budget);
    case "set":
      return value instanceof Set ? value : new Set(coerceList(definition.valueType, value, budget));
    case "record":
      return isRecord(value) ? mapValues(value, (each) => coerce(definition.valueType, each, budget)) : value;
    case "map":
      return coerceMap(definition, value, budget);
    case "tuple":
      return coerceTuple(definition, value, budget);
    case "intersection":
      return coerce(definition.right, coerce(definition.left, value, budget), budget);
    case "union":
      return coerceUnion(definition.options, value, budget);
    default:
      return coerceScalar(definition, value);
  }
}

function coerceScalar(definition: SchemaDefinition, value: unknown): unknown {
  switch (definition.type) {
    case "string":
      return typeof value === "number" || typeof value === "boolean" || typeof value === "bigint"
        ? String(value)
        : value;
    case "number":
      return isNumberText(value) ? Number(value) : value;
    case "boolean":
      return typeof value === "string" ? (booleans.get(value.toLowerCase()) ?? value) : value;
    case "bigint":
      return toBigint(value);
    case "date":
      return toDate(value);
    case "literal":
      return definition.values.find((each) => isSameText(each, value)) ?? value;
    case "enum":
      return Object.values(definition.entries).find((each) => isSameText(each, value)) ?? value;
    default:
      return value;
  }
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false],
]);

function coerceFields(shape: Readonly<Record<string, Schema>>, value: unknown, budget: Budget): unknown {
  // Callers of other languages send no body, or null, for a message without fields that matter.
  if (value === null || value === undefined) return {};
  if (!isRecord(value)) return value;
  const result: Record<string, unknown> = { ...value };
  for (const [name, field] of Object.entries(shape)) {
    if (!Object.hasOwn(value, name)) continue;
    // As in protobuf's JSON, null stands for a field that was not set.
    if (value[name] === null && !acceptsNull(field)) delete result[name];
    else result[name] = coerce(field, value[name], budget);
  }
  return result;
}

function acceptsNull(schema: Schema): boolean {
  let current = schema;
  for (let depth = 0; depth < 32; depth += 1) {
    const definition = definitionOf(current);
    if (["nullable", "null", "any", "unknown", "union", "literal", "transform"].includes(definition.type)) return true;
    if ("innerType" in definition) current = definition.innerType;
    else if (definition.type === "pipe") current = definition.in;
    else return false;
  }
  return false;
}

function coerceList(element: Schema, value: unknown, budget: Budget): unknown[] {
  if (Array.isArray(value)) return value.map((each: unknown) => coerce(element, each, budget));
  if (value === null || value === undefined) return [];
  return [coerce(element, value, budget)];
}

function coerceMap(definition: { keyType: Schema; valueType: Schema }, value: unknown, budget: Budget): unknown {
  if (!isRecord(value)) return value;
  return new Map(
    Object.entries(value).map(([key, each]) => [
      coerce(definition.keyType, key, budget),
      coerce(definition.valueType, each, budget),
    ]),
  );
}

function coerceTuple(
  definition: { items: readonly Schema[]; rest: Schema | null },
  value: unknown,
  budget: Budget,
): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((each: unknown, index) => {
    const schema = definition.items[index] ?? definition.rest;
    return schema === null ? each : coerce(schema, each, budget);
  });
}

function coerceUnion(options: readonly Schema[], value: unknown, budget: Budget): unknown {
  const before = budget.unions.get(value);
  if (before?.has(options) === true) return before.get(options);
  const result = chooseOption(options, value, budget);
  if (before === undefined) budget.unions.set(value, new Map([[options, result]]));
  else before.set(options, result);
  return result;
}

/** The first option that takes the value as it is, else the first that takes it converted. */
function chooseOption(options: readonly Schema[], value: unknown, budget: Budget): unknown {
  if (options.some((option) => accepts(option, value, budget))) return value;
  for (const option of options) {
    // A list option would wrap any value, and then whatever it contains, without end.
    if (!Array.isArray(value) && definitionOf(unwrapSchema(option)).type === "array") continue;
    const converted = coerce(option, value, budget);
    if (accepts(option, converted, budget)) return converted;
  }
  return value;
}

function accepts(schema: Schema, value: unknown, budget: Budget): boolean {
  // A check of a value is dearer than a look at it.
  budget.visits += 4 * partCount(value, visitCountMax);
  if (budget.visits > visitCountMax) return false;
  return safeParse(schema, value).success;
}

/** How many values a value is made of, which is what checking it costs; counts to `countMax` at most. */
function partCount(value: unknown, countMax: number): number {
  if (typeof value !== "object" || value === null) return 1;
  let count = 1;
  for (const each of Object.values(value)) {
    if (count >= countMax) return count;
    count += partCount(each, countMax - count);
  }
  return count;
}

function mapValues(value: Readonly<Record<string, unknown>>, convert: (each: unknown) => unknown): unknown {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, convert(each)]));
}

function isNumberText(value: unknown): boolean {
  return typeof value === "string" && /^\s*-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(value);
}

function toBigint(value: unknown): unknown {
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === "string" && value.length <= bigintLengthMax && /^-?\d+$/.test(value)) return BigInt(value);
  return value;
}

function toDate(value: unknown): unknown {
  if (typeof value !== "string" && typeof value !== "number") return value;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : date;
}

/** True for two scalars of different kinds that are written alike: 3 and "3". */
function isSameText(wanted: unknown, value: unknown): boolean {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return false;
  return (
    (typeof wanted === "number" || typeof wanted === "boolean" || typeof wanted === "string") &&
    String(wanted) === String(value)
  );
}
