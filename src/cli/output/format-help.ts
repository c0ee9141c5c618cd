import type { CommandNode } from "#cli/command.ts";
import type { FlagSpec } from "#cli/arguments/flag-spec.ts";

/** Help of a command or a group, line by line. `path` are the words that name it. */
export function formatCommandHelp(
  node: CommandNode,
  path: readonly string[],
  globals: readonly FlagSpec[],
): readonly string[] {
  const name = `micro ${path.join(" ")}`;
  const command = node.kind === "command" ? node : node.alone;
  const usage = node.kind === "command" ? `${name} [flags] ${node.usage}`.trimEnd() : `${name} COMMAND`;
  const lines = ["NAME:", `   ${name} - ${node.summary}`, "", "USAGE:", `   ${usage}`];
  if (command?.details !== undefined)
    lines.push("", ...command.details.split("\n").map((line) => `   ${line}`.trimEnd()));
  if (node.kind === "group") lines.push("", "COMMANDS:", ...formatChildren(node.children));
  const flags = command?.flags ?? [];
  if (flags.length > 0) lines.push("", "FLAGS:", ...formatFlags(flags));
  const others = globals.filter((each) => !flags.some(({ name: own }) => own === each.name));
  return [...lines, "", "GLOBAL FLAGS:", ...formatFlags(others)];
}

function formatChildren(children: Readonly<Record<string, CommandNode>>): string[] {
  return alignColumns(Object.entries(children).map(([name, child]) => [name, child.summary]));
}

function formatFlags(flags: readonly FlagSpec[]): string[] {
  return alignColumns(flags.map((flag) => [formatFlagName(flag), formatFlagHelp(flag)]));
}

function formatFlagName(flag: FlagSpec): string {
  const short = flag.short === undefined ? "" : `, -${flag.short}`;
  const placeholder = flag.kind === "bool" ? "" : ` ${flag.placeholder ?? "VALUE"}`;
  return `--${flag.name}${short}${placeholder}`;
}

function formatFlagHelp(flag: FlagSpec): string {
  const repeated = flag.kind === "list" ? "; may be repeated" : "";
  const variable = flag.variable === undefined ? "" : ` (${flag.variable})`;
  return `${flag.help}${repeated}${variable}`;
}

function alignColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([first]) => first.length)) + 3;
  return rows.map(([first, second]) => `   ${first.padEnd(width)}${second}`.trimEnd());
}
