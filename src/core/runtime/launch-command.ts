import { MicroError } from "#base/error.ts";
import type { EntryPoint } from "./entry-point.ts";

/** The Bun that runs TypeScript services. */
export interface BunRunner {
  readonly path: string;
  /** What makes that file behave as Bun; empty for Bun itself. */
  readonly env: Readonly<Record<string, string>>;
}

/** The Bun that runs this process: our single executable is one too, when it is told so. */
export function currentBun(): BunRunner {
  const isSingleExecutable = Bun.main.startsWith("/$bunfs/") || Bun.embeddedFiles.length > 0;
  return { path: process.execPath, env: isSingleExecutable ? { BUN_BE_BUN: "1" } : {} };
}

export interface LaunchCommand {
  readonly argv: readonly string[];
  readonly folder: string;
  /** Variables that the runner needs. */
  readonly env: Readonly<Record<string, string>>;
  /** True when a service on our framework can be expected, which listens where it is told to. */
  readonly takesAddress: boolean;
}

/**
 * The command line of an entry point. Bun never installs what an import names: a misspelt one would fetch a stranger's
 * package.
 *
 * @throws MicroError `failed_precondition` when there is no Node for a service that needs it.
 */
export function toLaunchCommand(
  entry: EntryPoint,
  args: readonly string[],
  machine: { readonly bun: BunRunner; readonly path: string },
): LaunchCommand {
  const { folder } = entry;
  if (entry.runner === "program") {
    return { argv: [entry.program, ...entry.args, ...args], folder, env: {}, takesAddress: false };
  }
  if (entry.runner === "node") {
    return { argv: [findNode(machine.path), entry.file, ...args], folder, env: {}, takesAddress: true };
  }
  const argv = [machine.bun.path, "--no-install", entry.file, ...args];
  return { argv, folder, env: machine.bun.env, takesAddress: true };
}

function findNode(path: string): string {
  const node = Bun.which("node", { PATH: path });
  if (node !== null) return node;
  throw new MicroError(
    "failed_precondition",
    'the service asks for Node ("engines" in package.json), which is not on the server\'s PATH',
  );
}
