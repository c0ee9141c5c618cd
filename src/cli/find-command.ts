import { CommandError } from "./command-error.ts";
import type { CommandNode } from "./command.ts";
import type { FlagSpec } from "./arguments/flag-spec.ts";

/** A command or group, with the words that led to it and those that are left. */
export interface FoundCommand {
  readonly node: CommandNode;
  readonly path: readonly string[];
  readonly words: readonly string[];
}

/**
 * Follows words down a tree of commands as far as they name children.
 *
 * @throws CommandError when a group has no such child.
 */
export function findCommand(root: CommandNode, words: readonly string[], path: readonly string[]): FoundCommand {
  const [first, ...others] = words;
  if (root.kind === "command" || first === undefined) return { node: root, path, words };
  const child = Object.hasOwn(root.children, first) ? root.children[first] : undefined;
  if (child !== undefined) return findCommand(child, others, [...path, first]);
  const name = path.join(" ");
  throw new CommandError(
    `Unrecognized subcommand for micro ${name}: ${first}. Please refer to 'micro ${name} --help'`,
    {
      exitCode: root.unknownChildExitCode ?? 1,
    },
  );
}

/** The flags of all commands of a tree. */
export function collectFlags(node: CommandNode): readonly FlagSpec[] {
  if (node.kind === "command") return node.flags;
  return [...Object.values(node.children).flatMap(collectFlags), ...(node.alone?.flags ?? [])];
}
