import type { z } from "zod";
import { MicroError } from "#base/error.ts";
import { requireName } from "#base/name.ts";
import type { IndexValue } from "./model-key.ts";
import { definitionOf, unwrapSchema, type Schema } from "./schema-kind.ts";

/** Fields of a record that may be indexed: text, numbers, booleans and dates, also where they may be absent. */
export type IndexField<T> = {
  [F in keyof T & string]-?: NonNullable<T[F]> extends IndexValue ? F : never;
}[keyof T & string];

/** Fields that may be the key: text and numbers that are always there. */
export type KeyField<T> = { [F in keyof T & string]-?: T[F] extends string | number ? F : never }[keyof T & string];

export interface IndexOptions {
  /** No two records may hold the same value. @default false */
  readonly unique?: boolean;
}

export interface ModelOptions<S extends Schema, K extends string, I extends string> {
  /** What a record is: an object of zod. It must accept what it gave, since records are checked when they are read, too. */
  readonly schema: S;
  /** The field that names a record; it never changes. */
  readonly key: K;
  /** Fields to find records by, or to order them by. A record without a value is not in the index of that field. @default none */
  readonly indexes?: Readonly<Record<I, IndexOptions>>;
  /** Table of the store. @default `NAME.MODEL`, after the service, so that services do not meet */
  readonly table?: string;
}

/** The options, checked and complete. */
export interface ModelConfig {
  readonly name: string;
  readonly key: string;
  /** By field. */
  readonly indexes: ReadonlyMap<string, Required<IndexOptions>>;
  readonly table: string;
}

/** Every change of a record writes each of them: more is a mistake. */
const indexCountMax = 64;

/** @throws MicroError `invalid_argument` for a bad name, or a field that the schema does not have. */
export function resolveModelOptions(
  owner: string,
  name: string,
  options: ModelOptions<Schema, string, string>,
): ModelConfig {
  requireName("table", name);
  const indexes = new Map(
    Object.entries(options.indexes ?? {}).map(([field, { unique = false }]) => [field, { unique }]),
  );
  if (indexes.size > indexCountMax) {
    throw new MicroError("invalid_argument", `model ${name}: at most ${indexCountMax} indexes, got ${indexes.size}`);
  }
  requireFields(options.schema, name, [options.key, ...indexes.keys()]);
  const table = requireName("table", options.table ?? `${owner}.${name}`);
  return Object.freeze({ name, key: options.key, indexes, table });
}

/** The types say so too; this is for authors who write JavaScript. */
function requireFields(schema: z.core.$ZodType, name: string, fields: readonly string[]): void {
  const definition = definitionOf(unwrapSchema(schema, "output"));
  if (definition.type !== "object") return;
  for (const field of fields) {
    if (Object.hasOwn(definition.shape, field)) continue;
    const known = Object.keys(definition.shape).join(", ");
    throw new MicroError("invalid_argument", `model ${name}: the schema has no field "${field}"; it has ${known}`);
  }
}
