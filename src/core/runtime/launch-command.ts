import { existsSync } from "node:fs";
import type { EntryPoint } from "./entry-point.ts";
import type { PythonEntry } from "./entry-python.ts";
import { requireTool } from "./find-program.ts";
import { goProgram } from "./plan-go.ts";
import { pythonEnvironment } from "./plan-python.ts";

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

/** What a command line depends on beside its entry point. */
export interface Machine {
  readonly bun: BunRunner;
  /** Where programs are looked for. */
  readonly path: string;
  /** The root of what runs: of the source, or of what was built from it. */
  readonly root: string;
}

/**
 * The command line of an entry point. Bun never installs what an import names: a misspelt one would fetch a stranger's
 * package.
 *
 * @throws MicroError `failed_precondition` when there is no Node or Python for a service that needs it.
 */
export function toLaunchCommand(entry: EntryPoint, args: readonly string[], machine: Machine): LaunchCommand {
  const { folder } = entry;
  if (entry.runner === "program") {
    return { argv: [entry.program, ...entry.args, ...args], folder, env: {}, takesAddress: false };
  }
  if (entry.runner === "go") {
    return { argv: [`${machine.root}/${goProgram}`, ...args], folder, env: {}, takesAddress: false };
  }
  if (entry.runner === "python") {
    return { argv: [...toPython(entry.entry, machine), ...args], folder, env: pythonEnv, takesAddress: false };
  }
  if (entry.runner === "node") {
    const node = requireTool("node", machine.path, "the service asks for Node");
    return { argv: [node, entry.file, ...args], folder, env: {}, takesAddress: true };
  }
  const argv = [machine.bun.path, "--no-install", entry.file, ...args];
  return { argv, folder, env: machine.bun.env, takesAddress: true };
}

/** What is printed is seen at once, and the folder of the source stays as it is. */
const pythonEnv = { PYTHONUNBUFFERED: "1", PYTHONDONTWRITEBYTECODE: "1" };

function toPython(entry: PythonEntry, { root, path }: Machine): readonly string[] {
  const bin = `${root}/${pythonEnvironment}/bin`;
  if ("script" in entry) return [`${bin}/${entry.script}`];
  const own = `${bin}/python`;
  return [existsSync(own) ? own : requireTool("python3", path, "the service is written in Python"), entry.file];
}

/** Where programs are looked for besides: what was installed with the service comes first. */
export function programPath(root: string, folder: string, path: string): string {
  const own = [`${root}/${pythonEnvironment}/bin`, `${folder}/node_modules/.bin`, `${root}/node_modules/.bin`];
  return [...new Set(own)]
    .filter((each) => existsSync(each))
    .concat(path)
    .join(":");
}
