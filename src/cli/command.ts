import type { FlagSpec } from "./arguments/flag-spec.ts";
import type { FlagValues } from "./arguments/flag-values.ts";
import type { Session } from "./connection/session.ts";

/** What a command is given when it runs. */
export interface Invocation {
  /** Words after the command's name. */
  readonly words: readonly string[];
  /** What came after `--`, if there was one; only for commands that take it apart from their words. */
  readonly rest: readonly string[] | undefined;
  readonly flags: FlagValues;
  /** The environment, namespace and login that the command works with; nothing is read before it is asked for. */
  readonly session: Session;
  /** True when results are wanted for programs. */
  readonly isJson: boolean;
}

/** A command that does something. */
export interface Command {
  readonly kind: "command";
  readonly summary: string;
  /** What follows its name in the usage line. */
  readonly usage: string;
  readonly flags: readonly FlagSpec[];
  /** Longer help, lines for people. */
  readonly details?: string;
  /** At least and at most so many words. @default no limit */
  readonly wordCount?: { readonly min: number; readonly max: number };
  /** True for a command that hands on what comes after `--`; for others those are words like the rest. */
  readonly takesRest?: boolean;
  run(invocation: Invocation): Promise<void>;
}

/** A command that only leads to others. */
export interface CommandGroup {
  readonly kind: "group";
  readonly summary: string;
  readonly children: Readonly<Record<string, CommandNode>>;
  /** What runs when no child is named; absent: help. */
  readonly alone?: Command;
  /** Exit code for a child that is not there. @default 1 */
  readonly unknownChildExitCode?: number;
}

export type CommandNode = Command | CommandGroup;
