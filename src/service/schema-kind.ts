import type { z } from "zod";

/** Any schema of zod 4. */
export type Schema = z.core.$ZodType;

/** The definition of a schema as a union that `switch (definition.type)` narrows. */
export type SchemaDefinition = z.core.$ZodTypes["_zod"]["def"];

/** The definition that a schema was built from. */
export function definitionOf(schema: Schema): SchemaDefinition {
  // Every schema of zod is one of $ZodTypes; its base type just does not say so.
  return (schema as z.core.$ZodTypes)._zod.def;
}

/** Whose side of a transformation counts: what a caller sends, or what a reader gets. */
export type SchemaSide = "input" | "output";

/**
 * A schema without what does not change the shape of its JSON: optional, nullable, default, readonly, lazy, and the
 * steps of a pipe that are on the other side.
 */
export function unwrapSchema(schema: Schema, side: SchemaSide = "input"): Schema {
  let current = schema;
  // A chain of wrappers is as long as its author wrote it; a lazy schema that names itself would never end.
  for (let depth = 0; depth < wrapperDepthMax; depth += 1) {
    const inner = innerSchema(current, side);
    if (inner === undefined) return current;
    current = inner;
  }
  return current;
}

const wrapperDepthMax = 32;

function innerSchema(schema: Schema, side: SchemaSide): Schema | undefined {
  const definition = definitionOf(schema);
  switch (definition.type) {
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "nonoptional":
    case "catch":
    case "readonly":
      return definition.innerType;
    case "lazy":
      // Asking the definition would build a new schema each time.
      return (schema as z.core.$ZodLazy)._zod.innerType;
    case "pipe": {
      const [near, far] = side === "input" ? [definition.in, definition.out] : [definition.out, definition.in];
      return definitionOf(near).type === "transform" ? (side === "input" ? far : undefined) : near;
    }
    default:
      return undefined;
  }
}

/** Format of a number or bigint: `int32`, `safeint`, `uint64` …; undefined for a plain one. */
export function numberFormat(definition: SchemaDefinition): string | undefined {
  if (definition.type !== "number" && definition.type !== "bigint") return undefined;
  if ("format" in definition && typeof definition.format === "string") return definition.format;
  for (const check of definition.checks ?? []) {
    const { def } = check._zod;
    if ("format" in def && typeof def.format === "string") return def.format;
  }
  return undefined;
}

/** Name that the author gave the schema (`.meta({ id })` or `title`), if any. */
export function schemaName(schema: Schema, registry: typeof z.globalRegistry): string | undefined {
  const meta = registry.get(schema);
  return meta?.id ?? meta?.title;
}

/** True for `z.instanceof(Uint8Array)`: bytes, which JSON carries as base64. */
export function isBytesSchema(schema: Schema): boolean {
  return definitionOf(schema).type === "custom" && schema._zod.bag["Class"] === Uint8Array;
}
