import type { LogLine } from "#interface/runtime.ts";

/**
 * A line of a log file: `2026-01-31T12:00:00.000Z INSTANCE STREAM TEXT`. Made for people who open the file; the text of
 * a line never holds a line end.
 */
export function formatLogLine(line: LogLine): string {
  const text = line.text.includes("\r") ? line.text.replaceAll("\r", "\\r") : line.text;
  return `${new Date(line.timestampMs).toISOString()} ${line.instance} ${line.stream} ${text}\n`;
}

/** The line as it was written, or undefined for what is none, such as the rest of a write that was cut off. */
export function parseLogLine(text: string): LogLine | undefined {
  const instanceAt = text.indexOf(" ") + 1;
  const streamAt = text.indexOf(" ", instanceAt) + 1;
  const textAt = text.indexOf(" ", streamAt) + 1;
  if (instanceAt === 0 || streamAt === 0 || textAt === 0) return undefined;
  const timestampMs = Date.parse(text.slice(0, instanceAt - 1));
  const stream = text.slice(streamAt, textAt - 1);
  if (Number.isNaN(timestampMs) || !isStream(stream)) return undefined;
  return { timestampMs, instance: text.slice(instanceAt, streamAt - 1), stream, text: text.slice(textAt) };
}

function isStream(text: string): text is LogLine["stream"] {
  return text === "stdout" || text === "stderr" || text === "system";
}
