import { CommandError } from "#cli/command-error.ts";
import { findFlag, type FlagSpec } from "./flag-spec.ts";
import { FlagValues } from "./flag-values.ts";

/** A command line, taken apart. */
export interface ParsedArguments {
  /** Words that are no flags, before `--`. */
  readonly words: readonly string[];
  /** What came after `--`, untouched; undefined when there was none. */
  readonly rest: readonly string[] | undefined;
  readonly flags: FlagValues;
}

/** A word that is written like a flag: dashes and a letter. `-`, `-5` and `--` are not. */
export function isFlagWord(word: string): boolean {
  return /^--?[A-Za-z]/.test(word);
}

/** `--name=value` as its parts; the value may hold further `=`. */
export function splitFlagWord(word: string): { readonly name: string; readonly value: string | undefined } {
  const body = word.replace(/^--?/, "");
  const equals = body.indexOf("=");
  return equals === -1
    ? { name: body, value: undefined }
    : { name: body.slice(0, equals), value: body.slice(equals + 1) };
}

/**
 * Takes flags out of a command line, wherever on it they stand: `--k v`, `--k=v`, `-k v`, `--k` for a bool, the same flag
 * several times, `--` for the end of flags. A value that itself looks like a flag has to be written with `=`, so that a
 * forgotten value never swallows the next flag.
 *
 * @throws CommandError for a flag that is not in `specs`, and for one without its value.
 */
export function parseArguments(input: readonly string[], specs: readonly FlagSpec[]): ParsedArguments {
  const words: string[] = [];
  const values = new Map<string, string[]>();
  const end = input.indexOf("--");
  const line = end === -1 ? input : input.slice(0, end);
  for (let index = 0; index < line.length; index += 1) {
    const word = line[index] ?? "";
    if (!isFlagWord(word)) {
      words.push(word);
      continue;
    }
    const { name, value } = splitFlagWord(word);
    const spec = findFlag(specs, name);
    if (spec === undefined) throw new CommandError(`Flag provided but not defined: -${name}`);
    if (value === undefined && spec.kind !== "bool") index += 1;
    const given = value ?? (spec.kind === "bool" ? "true" : requireValue(line[index], spec));
    values.set(spec.name, [...(values.get(spec.name) ?? []), given]);
  }
  return { words, rest: end === -1 ? undefined : input.slice(end + 1), flags: new FlagValues(values) };
}

function requireValue(next: string | undefined, spec: FlagSpec): string {
  if (next !== undefined && !isFlagWord(next)) return next;
  throw new CommandError(`Flag needs an argument: -${spec.name}; write --${spec.name}=VALUE`);
}

/**
 * Position of the command's name: the first word that is neither a global flag nor the value of one; -1 when there is none.
 */
export function findCommandWord(input: readonly string[], globals: readonly FlagSpec[]): number {
  for (let index = 0; index < input.length; index += 1) {
    const word = input[index] ?? "";
    if (word === "--") return index + 1 < input.length ? index + 1 : -1;
    if (!isFlagWord(word)) return index;
    const { name, value } = splitFlagWord(word);
    const spec = findFlag(globals, name);
    if (spec !== undefined && spec.kind !== "bool" && value === undefined) index += 1;
  }
  return -1;
}
