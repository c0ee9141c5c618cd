import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The JSON object in a record of the store. @throws MicroError `internal` that names the record when there is none. */
export function parseRecord(key: string, value: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(decoder.decode(value));
    if (isRecord(parsed)) return parsed;
  } catch (cause) {
    throw damaged(key, cause);
  }
  throw damaged(key);
}

/** A record that cannot be used. */
export function damaged(key: string, cause?: unknown): MicroError {
  return new MicroError("internal", `the record ${key} of the runtime is damaged`, { at: "runtime", cause });
}
