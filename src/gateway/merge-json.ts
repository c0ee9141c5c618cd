import { isRecord, type JsonObject, type JsonValue } from "#base/json.ts";
import { limits } from "#base/limits.ts";

/** `over` laid on `under`: objects are merged key by key, of everything else `over` wins. */
export function mergeJson(under: JsonObject, over: JsonObject, depth = 0): JsonObject {
  const merged = Object.create(null) as Record<string, JsonValue>;
  for (const [key, value] of Object.entries(under)) merged[key] = value;
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] =
      isJsonObject(below) && isJsonObject(value) && depth < limits.messageDepthMax
        ? mergeJson(below, value, depth + 1)
        : value;
  }
  return merged;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return isRecord(value);
}
