import { CommandError } from "./command-error.ts";
import type { Command, CommandNode } from "./command.ts";
import { commandTable } from "./command-table.ts";
import { collectFlags, findCommand } from "./find-command.ts";
import { findFlag, globalFlags, outputFormats, type FlagSpec } from "./arguments/flag-spec.ts";
import { FlagValues } from "./arguments/flag-values.ts";
import { findCommandWord, parseArguments, type ParsedArguments } from "./arguments/parse-arguments.ts";
import { Session, type Variables } from "./connection/session.ts";
import { printError, reportError } from "./output/error-output.ts";
import { formatCommandHelp } from "./output/format-help.ts";
import { printLine, printLines } from "./output/print.ts";
import { version } from "#base/version.ts";

/** What a command line is run with. */
export interface CommandLineSurroundings {
  /** Environment variables. */
  readonly variables: Variables;
  /** Text of `micro --help`. */
  readonly help: string;
}

/** Runs one command line and returns its exit code. Nothing is thrown: what failed was printed. */
export async function runCommandLine(words: readonly string[], surroundings: CommandLineSurroundings): Promise<number> {
  const state: RunState = { ...surroundings, session: undefined };
  try {
    await run(words, state);
    return 0;
  } catch (reason) {
    const known = state.session?.surroundings() ?? { address: undefined, isLoggedIn: false };
    const report = reportError(reason, known);
    printError(report, mentionsJson(words, surroundings.variables));
    return report.exitCode;
  }
}

interface RunState extends CommandLineSurroundings {
  /** What the failing command worked with, for the error message. */
  session: Session | undefined;
}

async function run(words: readonly string[], state: RunState): Promise<void> {
  const position = findCommandWord(words, globalFlags);
  if (position === -1) return runWithoutCommand(words, state.help);
  const name = words[position] ?? "";
  const others = words.toSpliced(position, 1);
  if (name === "help") return showHelp(others, state.help);
  const entry = commandTable.find((each) => each.name === name);
  if (entry !== undefined) return runNode((await entry.load()).command, { name, words: others, state });
  const { runServiceCommand } = await import("./service-command.ts");
  const line = { service: name, before: words.slice(0, position), after: words.slice(position + 1) };
  return runServiceCommand(line, (flags) => openSession(state, flags));
}

function runWithoutCommand(words: readonly string[], help: string): void {
  const { flags } = parseArguments(words, globalFlags);
  if (flags.isOn("help")) return printLine(help);
  if (flags.isOn("version")) return printVersion();
  throw new CommandError("No command provided to micro. Please refer to 'micro --help'");
}

function printVersion(): void {
  printLine(`micro version ${version}`);
}

async function showHelp(words: readonly string[], help: string): Promise<void> {
  const path = parseArguments(words, globalFlags).words;
  const [name] = path;
  if (name === undefined) return printLine(help);
  const entry = commandTable.find((each) => each.name === name);
  if (entry === undefined) throw new CommandError(`No help topic for '${name}'`, { exitCode: 3 });
  const found = findCommand((await entry.load()).command, path.slice(1), [name]);
  printLines(formatCommandHelp(found.node, found.path, globalFlags));
}

interface NodeRun {
  readonly name: string;
  readonly words: readonly string[];
  readonly state: RunState;
}

async function runNode(root: CommandNode, { name, words, state }: NodeRun): Promise<void> {
  const all = parseArguments(words, [...collectFlags(root), ...globalFlags]);
  const found = findCommand(root, all.words, [name]);
  if (all.flags.isOn("help")) return printLines(formatCommandHelp(found.node, found.path, globalFlags));
  const command = found.node.kind === "command" ? found.node : found.node.alone;
  if (all.flags.has("version") && findFlag(command?.flags ?? [], "version") === undefined) return printVersion();
  if (command === undefined) return printLines(formatCommandHelp(found.node, found.path, globalFlags));
  const parsed = parseOwn(words, command, found.path);
  const positional = command.takesRest === true ? parsed.words : [...parsed.words, ...(parsed.rest ?? [])];
  checkWordCount(command, found.path, positional);
  const flags = withVariables(parsed.flags, [...command.flags, ...globalFlags], state.variables);
  await command.run({
    words: positional,
    rest: parsed.rest,
    flags,
    session: openSession(state, flags),
    isJson: flags.choice("output", outputFormats) === "json",
  });
}

function openSession(state: RunState, flags: FlagValues): Session {
  state.session = new Session(state.variables, flags);
  return state.session;
}

/**
 * Parses the line again with the flags of the command alone: those of another command of its group are refused, and may
 * take no value where the command's own of that name does.
 */
function parseOwn(words: readonly string[], command: Command, path: readonly string[]): ParsedArguments {
  const parsed = parseArguments(words, [...command.flags, ...globalFlags]);
  const depth = path.length - 1;
  if (parsed.words.slice(0, depth).join(" ") === path.slice(1).join(" ")) {
    return { ...parsed, words: parsed.words.slice(depth) };
  }
  throw new CommandError(`Write flags behind the command: micro ${path.join(" ")} …`);
}

function checkWordCount(command: Command, path: readonly string[], words: readonly string[]): void {
  const { min, max } = command.wordCount ?? { min: 0, max: Infinity };
  if (words.length >= min && words.length <= max) return;
  const usage = `usage: micro ${[...path, command.usage].join(" ").trim()}`;
  if (words.length < min) throw new CommandError(`Missing argument; ${usage}`);
  throw new CommandError(`Too many arguments: "${words.slice(max).join(" ")}" is not expected; ${usage}`);
}

/** Fills in what environment variables say where the flag was not given. */
function withVariables(flags: FlagValues, specs: readonly FlagSpec[], variables: Variables): FlagValues {
  const values = new Map(flags.names().map((name) => [name, flags.list(name)]));
  for (const spec of specs) {
    const value = spec.variable === undefined ? undefined : variables[spec.variable];
    if (value !== undefined && value !== "" && !values.has(spec.name)) values.set(spec.name, [value]);
  }
  return new FlagValues(values);
}

/** Whether errors are wanted as JSON, asked of a line that perhaps could not be parsed. */
function mentionsJson(words: readonly string[], variables: Variables): boolean {
  const index = words.findLastIndex((word) => /^(--?output|-o)(=|$)/.test(word));
  if (index === -1) return variables["MICRO_OUTPUT"] === "json";
  const word = words[index] ?? "";
  return (word.includes("=") ? word.slice(word.indexOf("=") + 1) : words[index + 1]) === "json";
}
