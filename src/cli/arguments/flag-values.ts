import { CommandError } from "#cli/command-error.ts";
import { parseDuration } from "#base/duration.ts";

/** What was given for each flag of a command, by long name. */
export class FlagValues {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  names(): readonly string[] {
    return [...this.#values.keys()];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value; where the flag was given more than once, the last. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  /** One of `choices`. @throws CommandError for another value. */
  choice(name: string, choices: readonly string[]): string | undefined {
    const text = this.text(name);
    if (text === undefined || choices.includes(text)) return text;
    throw new CommandError(`Invalid value "${text}" for flag -${name}: it is ${choices.join(" or ")}`);
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** @throws CommandError for a value that is neither true nor false. */
  isOn(name: string): boolean {
    const text = this.text(name);
    if (text === undefined || text === "false") return false;
    if (text === "true") return true;
    throw new CommandError(`Invalid value "${text}" for flag -${name}: it is true or false`);
  }

  /** A whole number from 0 on. @throws CommandError for anything else. */
  count(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw new CommandError(`Invalid value "${text}" for flag -${name}: it is a whole number from 0 on`);
  }

  /** Milliseconds. @throws CommandError with exit code 2, Micro's for a bad time, for anything that is no duration. */
  durationMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    try {
      return parseDuration(text);
    } catch (reason) {
      throw new CommandError(`Invalid value "${text}" for flag -${name}: try 500ms, 5s or 10m`, {
        exitCode: 2,
        cause: reason,
      });
    }
  }
}
