import { readFile } from "node:fs/promises";
import { CommandError } from "./command-error.ts";
import { describeFileFailure } from "./file-failure.ts";
import type { FlagSpec } from "./arguments/flag-spec.ts";
import type { FlagValues } from "./arguments/flag-values.ts";

/** Lets a value come from a file, so that it stands neither on the screen nor in the shell's history. */
export const fromFileFlag: FlagSpec = {
  name: "from-file",
  kind: "string",
  placeholder: "FILE",
  help: "read the value from a file; - is standard input",
};

/**
 * The value that a command line gives: its words joined by blanks, or what is in a file or standard input (`-`).
 *
 * @param usage how to write it, for the error.
 * @throws CommandError when there is none, or two, or the file cannot be read.
 */
export async function readInputValue(
  words: readonly string[],
  flags: FlagValues,
  usage: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const file = flags.text(fromFileFlag.name) ?? (words.length === 1 && words[0] === "-" ? "-" : undefined);
  if (file === undefined) {
    if (words.length === 0) throw new CommandError(`Missing argument; usage: ${usage}`);
    return new TextEncoder().encode(words.join(" "));
  }
  if (words.length > 0 && words[0] !== "-") {
    throw new CommandError(`A value is given twice, on the line and with --from-file; usage: ${usage}`);
  }
  return file === "-" ? Bun.stdin.bytes() : readWhole(file);
}

async function readWhole(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (reason) {
    throw new CommandError(`Cannot read ${file}: ${describeFileFailure(reason)}`, { cause: reason });
  }
}
