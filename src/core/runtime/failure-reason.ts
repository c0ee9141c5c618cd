import type { LogLevel } from "#base/logger.ts";
import { findLogLevel } from "./log-level.ts";
import type { ProcessExit } from "./service-process.ts";

/** Lines of a process's errors that are kept to tell why it ended. */
export const reasonLineCount = 60;
const textLengthMax = 300;
/** Lines that say nothing by themselves: stack frames, marks below code, brackets, versions of runners. */
const noise = [
  /^\s*at /,
  /^[\s^~|{}()[\];,.-]*$/,
  /^Node\.js v/,
  /^Bun v/,
  /^\s*\d+ \| /,
  /^\s*(code|errno|syscall): /,
];
/** What a service logs while all is well is no reason to end. */
const calmLevels: ReadonlySet<LogLevel | undefined> = new Set<LogLevel>(["trace", "debug", "info"]);
const telling = /(^|[\s:])([A-Z]\w*(Error|Exception)|error|panic|fatal)\b.*?[:[]/i;

/**
 * Why a process ended, in one line: `exited with code 1: error: Cannot find module "x"`.
 *
 * @param lines the last lines of its error output. @param folder its source, left out of paths.
 */
export function describeFailure(exit: ProcessExit, lines: readonly string[], folder: string): string {
  const how = describeExit(exit);
  const said = findReason(lines);
  if (said === undefined) return how;
  const text = folder === "" ? said.trim() : said.trim().replaceAll(`${folder}/`, "");
  return `${how}: ${text.length > textLengthMax ? `${text.slice(0, textLengthMax)}…` : text}`;
}

function describeExit(exit: ProcessExit): string {
  if ("code" in exit) return `exited with code ${exit.code}`;
  if ("signal" in exit) return `ended by signal ${exit.signal}`;
  // Only the server that started it is told how.
  return "ended";
}

/** The last line that looks like an error, else the last one that says anything. */
function findReason(lines: readonly string[]): string | undefined {
  const kept = lines.map(stripStyles).filter(saysSomething);
  return kept.findLast((line) => telling.test(line)) ?? kept.at(-1);
}

function saysSomething(line: string): boolean {
  return !calmLevels.has(findLogLevel(line)) && !noise.some((pattern) => pattern.test(line));
}

/** Without the colours and cursor moves of terminals. */
export function stripStyles(line: string): string {
  // oxlint-disable-next-line no-control-regex -- the escape character is what is looked for
  return line.replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, "");
}
