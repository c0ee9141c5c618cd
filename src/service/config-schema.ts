import type { z } from "zod";
import { MicroError } from "#base/error.ts";
import type { JsonValue } from "#base/json.ts";
import { describeIssues } from "./schema-issues.ts";
import type { Schema } from "./schema-kind.ts";

/**
 * A value as a schema makes it, with scalars of the wrong kind converted where that loses nothing. The schema gets
 * `undefined` where nothing is there, which is when its default counts.
 *
 * @throws MicroError `failed_precondition` that names the path and each wrong field, and never shows the value.
 */
export async function applySchema<S extends Schema>(
  path: string,
  schema: S,
  value: JsonValue | undefined,
): Promise<z.output<S>> {
  const first = await schema["~standard"].validate(value);
  if (first.issues === undefined) return first.value;
  // Loaded here because it brings zod with it, which programs without schemas can do without.
  const { coerceToSchema } = await import("./schema-coercion.ts");
  const converted = coerceToSchema(schema, value);
  const second = await schema["~standard"].validate(converted);
  if (second.issues === undefined) return second.value;
  // What zod reports through the common interface of schemas are its own issues.
  const problem = describeIssues(second.issues as readonly z.core.$ZodIssue[], converted);
  throw new MicroError("failed_precondition", `config ${JSON.stringify(path)} does not match its schema: ${problem}`);
}
