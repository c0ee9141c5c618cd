import type { z } from "zod";
import { MicroError } from "#base/error.ts";
import { isRecord, type JsonValue } from "#base/json.ts";
import { refuseMask } from "./config-values.ts";
import { describeIssues } from "./schema-issues.ts";
import type { Schema } from "./schema-kind.ts";

/** A value that was read for a schema. */
export interface SchemaInput {
  readonly path: string;
  /** Undefined where nothing is there, which is when the schema's default counts. */
  readonly value: JsonValue | undefined;
  /** Whether secrets were asked for; otherwise none may come through. */
  readonly showsSecrets?: boolean;
}

/**
 * A value as a schema makes it, with scalars of the wrong kind converted where that loses nothing.
 *
 * @throws MicroError `failed_precondition` that names the path and each wrong field and never shows the value; also for a
 * secret that the schema takes and that is masked.
 */
export async function applySchema<S extends Schema>(schema: S, input: SchemaInput): Promise<z.output<S>> {
  const { path, value, showsSecrets = false } = input;
  const result = await validate(schema, path, value);
  const masked = showsSecrets ? undefined : findMask(result, path);
  if (masked !== undefined) throw refuseMask(masked, "read it with showsSecrets");
  return result;
}

async function validate<S extends Schema>(schema: S, path: string, value: JsonValue | undefined): Promise<z.output<S>> {
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

/** Path of a masked secret in what a schema gave. A program that took the mask for the secret would fail far from here. */
function findMask(value: unknown, path: string): string | undefined {
  if (value === "[secret]") return path;
  if (!isRecord(value)) return undefined;
  for (const [key, each] of Object.entries(value)) {
    const found = findMask(each, path === "" ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
