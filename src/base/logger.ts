import { MicroError } from "./error.ts";

export const logLevels = ["trace", "debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, unknown>>;

/** Structured, leveled lines. Where they go is decided by who builds the logger. */
export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same logger with these fields on every line. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** Lines below this level are dropped. @default "info" */
  readonly level?: LogLevel;
  /** Receives one finished line, without its newline, and the fields that are in it. */
  readonly write: (line: string, fields: LogFields) => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** A logger that writes `2026-01-31T12:00:00.000Z info  message key=value`, one line a record. */
export function createLogger(options: LoggerOptions): Logger {
  const { level = "info", write, now = Date.now } = options;
  return build(logLevels.indexOf(level), { write, now }, {});
}

/** A logger that says nothing, for tests and libraries. */
export const silentLogger: Logger = createLogger({ level: "error", write: () => undefined });

/** A level by name. @throws MicroError `invalid_argument` when there is none of that name. */
export function parseLogLevel(text: string): LogLevel {
  const level = logLevels.find((each) => each === text.toLowerCase());
  if (level !== undefined) return level;
  throw new MicroError("invalid_argument", `"${text}" is not a log level; use ${logLevels.join(", ")}`);
}

function build(
  threshold: number,
  sink: { write: LoggerOptions["write"]; now: () => number },
  bound: LogFields,
): Logger {
  const at = (level: LogLevel) => {
    const rank = logLevels.indexOf(level);
    return (message: string, fields?: LogFields): void => {
      if (rank < threshold) return;
      const time = new Date(sink.now()).toISOString();
      const all = { ...bound, ...fields };
      sink.write(`${time} ${level.padEnd(5)} ${oneLine(message)}${formatFields(all)}`, all);
    };
  };
  return {
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (fields) => build(threshold, sink, { ...bound, ...fields }),
  };
}

function formatFields(fields: LogFields): string {
  let text = "";
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    text += ` ${key}=${formatValue(value)}`;
  }
  return text;
}

function formatValue(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(causeChain(value));
  if (typeof value === "string") return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value);
}

/** A failure with the failures behind it: the log keeps what the wire must not. */
function causeChain(error: Error): string {
  const parts: string[] = [];
  for (let each: unknown = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth += 1) {
    parts.push(each.message);
  }
  return parts.join(": ");
}

function oneLine(text: string): string {
  return text.replaceAll("\n", "\\n");
}
