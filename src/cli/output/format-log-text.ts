import { isRecord } from "#base/json.ts";

/** Names under which the usual loggers write what a line is about. */
const timeKeys = ["time", "ts", "timestamp", "@t", "@timestamp", "T"];
const levelKeys = ["level", "severity", "lvl", "loglevel", "@l", "log.level", "L"];
const messageKeys = ["msg", "message", "@m", "@mt", "M", "event"];

/**
 * A line for a person: one of JSON as our own loggers write them, `TIME LEVEL message key=value`; any other as it is.
 *
 * @param level as the server read it.
 */
export function formatLogText(text: string, level: string): string {
  const fields = text.startsWith("{") ? parseObject(text) : undefined;
  const message = fields === undefined ? undefined : find(fields, messageKeys);
  if (fields === undefined || message === undefined) return text;
  const used = new Set([timeKeys, levelKeys, messageKeys].map((keys) => keys.find((key) => key in fields)));
  const others = Object.entries(fields).filter(([key]) => !used.has(key));
  const parts = [
    formatTime(find(fields, timeKeys)),
    level.padEnd(5),
    showText(message),
    ...others.map(([key, value]) => `${key}=${showValue(value)}`),
  ];
  return parts.filter((part) => part.trim() !== "").join(" ");
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function find(fields: Readonly<Record<string, unknown>>, keys: readonly string[]): unknown {
  const key = keys.find((each) => each in fields);
  return key === undefined ? undefined : fields[key];
}

/** Seconds and milliseconds since the epoch are told apart by their size; text stays as it is. */
function formatTime(value: unknown): string {
  if (typeof value !== "number") return typeof value === "string" ? showText(value) : "";
  const date = new Date(value < 1e11 ? value * 1_000 : value);
  return Number.isNaN(date.getTime()) ? String(value) : date.toISOString();
}

/** On one line, without what moves a cursor. */
function showText(value: unknown): string {
  if (typeof value !== "string") return showValue(value);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return value.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1));
}

function showValue(value: unknown): string {
  const isPlain = typeof value === "string" && /^[\w./:@+-]+$/.test(value);
  return isPlain ? value : JSON.stringify(value);
}
