import { numberOf, textMapOf, textOf, type Fields } from "#cli/service-answer.ts";
import { formatLogText } from "./format-log-text.ts";
import { createNamePrefix } from "./name-prefix.ts";
import { printCompactJson, printLine } from "./print.ts";
import { paint, type Color, type Terminal } from "./terminal.ts";

export interface LogPrinterOptions extends Terminal {
  readonly isJson: boolean;
  /** Services whose lines are mixed: each line begins with the name of its own. Empty: there is only one. */
  readonly names: readonly string[];
}

const levelColors: Readonly<Record<string, Color>> = { trace: "dim", debug: "dim", warn: "yellow", error: "red" };

/**
 * Prints records of `Runtime.Logs`: for programs as JSON, one a line; in a pipe as the services wrote them; in a terminal with
 * lines of JSON made readable, and in colors where they may be.
 */
export function createLogPrinter({
  isJson,
  isTerminal,
  hasColors,
  names,
}: LogPrinterOptions): (record: Fields) => void {
  if (isJson) return (record) => printCompactJson(toJson(record));
  const prefix = createNamePrefix(names, hasColors);
  const textFor = (record: Fields): string => {
    const [text, level] = [textOf(record["message"]), textOf(record["level"])];
    const shown = isTerminal ? formatLogText(text, level) : text;
    const color = textOf(record["stream"]) === "system" ? "dim" : levelColors[level];
    return hasColors && color !== undefined ? paint(shown, color) : shown;
  };
  const nameOf = (record: Fields): string => textMapOf(record["metadata"])["service"] ?? "";
  return (record) => printLine(`${prefix(nameOf(record))}${textFor(record)}`);
}

/** `Message` and `Metadata` are written as Micro's command line does; the rest is ours. */
function toJson(record: Fields): object {
  return {
    Message: textOf(record["message"]),
    Metadata: textMapOf(record["metadata"]),
    timestamp: new Date(numberOf(record["timestamp"])).toISOString(),
    stream: textOf(record["stream"]),
    level: textOf(record["level"]),
    instance: textOf(record["instance"]),
  };
}
