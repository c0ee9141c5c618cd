import { CommandError } from "#cli/command-error.ts";
import type { FlagValues } from "./flag-values.ts";

/** What a flag that is written `--name KEY=VALUE` any number of times says. @throws CommandError for one without a key or `=`. */
export function readPairs(flags: FlagValues, name: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    flags.list(name).map((text) => {
      const equals = text.indexOf("=");
      if (equals < 1) throw new CommandError(`Invalid value "${text}" for flag -${name}: write KEY=VALUE`);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}
