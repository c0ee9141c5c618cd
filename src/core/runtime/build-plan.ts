import { createHash } from "node:crypto";
import type { RunSettings } from "./run-settings.ts";

/** One command of a build. */
export interface BuildCommand {
  /** The program with its arguments; paths below the folder of the build begin with {@link buildRoot}. */
  readonly argv: readonly string[];
}

/** How something that can run is made of a source. */
export interface BuildPlan {
  /** Where the commands run, relative to the root of the source; empty is the root itself. */
  readonly folder: string;
  readonly commands: readonly BuildCommand[];
  /** Said in the log before the first command. */
  readonly notes: readonly string[];
  /** What the commands find in their environment beside what every build has. */
  readonly env: Readonly<Record<string, string>>;
  /** Packages that the server provides, left out of `package.json` while the commands run. */
  readonly provided?: readonly string[];
}

/** Stands for the root of the source that is built, wherever that will be. */
export const buildRoot = "{root}";

export interface PlanningOptions {
  readonly source: string;
  readonly settings: RunSettings;
  /** Where tools are looked for. */
  readonly path: string;
  /** The server's own Bun, which installs packages. */
  readonly bun: string;
}

/** Names a build by all that it depends on. Hexadecimal SHA-256. */
export function hashBuild(parts: {
  readonly namespace: string;
  readonly sha256: string;
  readonly plan: BuildPlan;
  readonly buildEnv: Readonly<Record<string, string>>;
}): string {
  const { namespace, sha256, plan, buildEnv } = parts;
  const env = Object.entries(buildEnv).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([namespace, sha256, plan.folder, plan.commands, plan.env, plan.provided ?? [], env]);
  return createHash("sha256").update(text).digest("hex");
}
