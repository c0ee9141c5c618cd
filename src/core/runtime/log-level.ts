import { isRecord } from "#base/json.ts";
import { logLevels, type LogLevel } from "#base/logger.ts";

/** A level after an optional time, as our own logger and many others write it. */
const plainLevel = /^(?:\d{4}-\d\d-\d\dT\S+ )?\[?(trace|debug|info|warn|error)\b/i;

/** The level that a line states, as JSON or in plain text; undefined when it states none. */
export function findLogLevel(text: string): LogLevel | undefined {
  const stated = text.startsWith("{") ? jsonLevel(text) : plainLevel.exec(text)?.[1];
  return logLevels.find((level) => level === stated?.toLowerCase());
}

function jsonLevel(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) && typeof value["level"] === "string" ? value["level"] : undefined;
  } catch {
    return undefined;
  }
}
