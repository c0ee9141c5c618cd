import { MicroError } from "#base/error.ts";

/** A value as JSON. @throws MicroError `invalid_argument` for what JSON cannot say. */
export function toJsonText(value: unknown): string {
  try {
    // Undefined for a function and a symbol, which the declared type does not say.
    const text = JSON.stringify(value) as string | undefined;
    if (text !== undefined) return text;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MicroError("invalid_argument", `the value cannot be written as JSON: ${reason}`, { cause });
  }
  throw new MicroError("invalid_argument", `the value is ${typeof value}, which JSON cannot say`);
}
