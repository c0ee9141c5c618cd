import { existsSync } from "node:fs";
import { dirname, relative } from "node:path";
import { isRecord } from "#base/json.ts";
import type { BuildPlan, PlanningOptions } from "./build-plan.ts";
import { requireTool } from "./find-program.ts";
import { findPackage, type Package } from "./package-json.ts";

/** Packages that every service finds on the server. */
const providedNames: ReadonlySet<string> = new Set(["micro-ts", "@bufbuild/protobuf"]);

interface PackageManager {
  /** Empty: the server's own Bun. */
  readonly tool: string;
  readonly locks: readonly string[];
  readonly args: readonly string[];
}

/** Whoever wrote the lock file installs from it, and changes nothing. */
const managers: readonly PackageManager[] = [
  {
    tool: "",
    locks: ["bun.lock", "bun.lockb"],
    args: ["install", "--frozen-lockfile", "--production"],
  },
  {
    tool: "npm",
    locks: ["package-lock.json", "npm-shrinkwrap.json"],
    args: ["ci", "--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier"],
  },
  {
    tool: "pnpm",
    locks: ["pnpm-lock.yaml"],
    args: ["install", "--frozen-lockfile", "--prod"],
  },
  {
    tool: "yarn",
    locks: ["yarn.lock"],
    args: ["install", "--frozen-lockfile", "--production", "--non-interactive"],
  },
];

/** Installs what the package of a folder depends on; nothing where the server provides all of it. */
export async function planJavaScript(folder: string, options: PlanningOptions): Promise<BuildPlan | undefined> {
  const { source, settings, path, bun } = options;
  const found = await findPackage(folder, source);
  if (found === undefined) return undefined;
  const names = dependencyNames(found);
  if (names.every((name) => providedNames.has(name))) return undefined;
  const locked = findLock(found.folder, source);
  const scripts = settings.installScripts === true ? "may run" : "are not run";
  const withoutScripts = settings.installScripts === true ? [] : ["--ignore-scripts"];
  if (locked === undefined) {
    return {
      folder: relative(source, found.folder),
      commands: [{ argv: [bun, "install", "--production", "--no-save", ...withoutScripts] }],
      notes: [`no lock file: the newest packages that package.json allows are installed; install scripts ${scripts}`],
      env: {},
      provided: names.filter((name) => providedNames.has(name)),
    };
  }
  const { manager, lock } = locked;
  const tool = manager.tool === "" ? bun : requireTool(manager.tool, path, `${lock} asks for it`);
  return {
    folder: relative(source, locked.folder),
    commands: [{ argv: [tool, ...manager.args, ...withoutScripts] }],
    notes: [`installing from ${lock}; install scripts ${scripts}`],
    env: {},
  };
}

function dependencyNames({ json }: Package): readonly string[] {
  const fields = [json["dependencies"], json["optionalDependencies"]];
  return fields.flatMap((field) => (isRecord(field) ? Object.keys(field) : []));
}

/** The lock file of the package, or of the workspace that it belongs to. */
function findLock(
  folder: string,
  source: string,
): { readonly folder: string; readonly manager: PackageManager; readonly lock: string } | undefined {
  for (const manager of managers) {
    const lock = manager.locks.find((name) => existsSync(`${folder}/${name}`));
    if (lock !== undefined) return { folder, manager, lock };
  }
  return folder === source || !folder.startsWith(`${source}/`) ? undefined : findLock(dirname(folder), source);
}
