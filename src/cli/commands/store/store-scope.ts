import type { Invocation } from "#cli/command.ts";
import type { FlagSpec } from "#cli/arguments/flag-spec.ts";

/** Flags of every command about records. */
export const scopeFlags: readonly FlagSpec[] = [
  { name: "database", short: "d", kind: "string", placeholder: "NAME", help: "default: the current namespace" },
  { name: "table", short: "t", kind: "string", placeholder: "NAME", help: "default: micro" },
];

/** Where records lie, as the store names it. */
export interface RecordScope {
  readonly database: string;
  readonly table: string;
}

/** What the flags say, else the drawer that Micro uses: table `micro` of the current namespace. */
export function scopeOf({ flags, session }: Pick<Invocation, "flags" | "session">): RecordScope {
  return { database: flags.text("database") ?? session.namespace, table: flags.text("table") ?? "micro" };
}
