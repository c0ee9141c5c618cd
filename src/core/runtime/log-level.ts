import { isRecord } from "#base/json.ts";
import type { LogLevel } from "#base/logger.ts";

/** Words of the usual loggers. */
const levelOfWord: Readonly<Record<string, LogLevel>> = {
  trace: "trace",
  silly: "trace",
  debug: "debug",
  verbose: "debug",
  info: "info",
  information: "info",
  notice: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  err: "error",
  critical: "error",
  crit: "error",
  alert: "error",
  emergency: "error",
  fatal: "error",
  panic: "error",
  dpanic: "error",
};
/** Fields in which loggers that write JSON say it: pino, zap and slog, Google's, Serilog's, Elastic's. */
const levelKeys = ["level", "severity", "lvl", "loglevel", "@l", "log.level", "L"] as const;
/** A level after an optional time, as our own logger, Python's and many others write it. */
const plainLevel =
  /^(?:\d{4}-\d\d-\d\d[T ]\S+\s+)?\[?(trace|debug|info|notice|warn|warning|error|critical|fatal|panic)(?=[\]\s:]|$)/i;
/** `level=warn`, as logfmt and Go's text handler do. */
const fieldLevel = /(?:^|\s)(?:level|lvl|severity)="?([A-Za-z]{3,11})\b/;

/** The level that a line states, as JSON or in plain text; undefined when it states none. */
export function findLogLevel(text: string): LogLevel | undefined {
  if (text.startsWith("{")) return findJsonLevel(text);
  return toLevel(plainLevel.exec(text)?.[1]) ?? toLevel(fieldLevel.exec(text)?.[1]);
}

function findJsonLevel(text: string): LogLevel | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return undefined;
    const stated = levelKeys.map((key) => value[key]).find((each) => each !== undefined);
    return typeof stated === "number" ? numberedLevel(stated) : toLevel(stated);
  } catch {
    return undefined;
  }
}

function toLevel(stated: unknown): LogLevel | undefined {
  if (typeof stated !== "string") return undefined;
  const word = stated.toLowerCase();
  return Object.hasOwn(levelOfWord, word) ? levelOfWord[word] : undefined;
}

/** pino and bunyan count in tens. */
function numberedLevel(level: number): LogLevel | undefined {
  if (level < 10 || level > 60) return undefined;
  return (["trace", "debug", "info", "warn", "error", "error"] as const)[Math.floor(level / 10) - 1];
}
