import { statSync } from "node:fs";
import { dirname } from "node:path";
import { MicroError } from "#base/error.ts";
import type { BuildPlan } from "./build-plan.ts";
import { findEntryPoint, type EntryPoint } from "./entry-point.ts";
import { planBuild, planCommands } from "./plan-build.ts";
import { resolveRunSettings, type RunSettings } from "./run-settings.ts";
import type { ServiceRecord } from "./service-record.ts";
import { cleanSourcePath } from "./source-path.ts";

/** What is to be done with a source. */
export interface ServicePlan {
  readonly settings: RunSettings;
  /** Absent where nothing has to be built. */
  readonly build?: BuildPlan;
  /** Absent where only the build makes it. */
  readonly entry?: EntryPoint;
}

export interface PlanServiceOptions {
  readonly source: string;
  /** Where programs are looked for. */
  readonly path: string;
  readonly bun: string;
}

/**
 * Looks at a source and at what was said of the service.
 *
 * @throws MicroError `invalid_argument` when nothing in it can be started, `failed_precondition` when a tool is missing.
 */
export async function planService(record: ServiceRecord, options: PlanServiceOptions): Promise<ServicePlan> {
  const settings = resolveRunSettings(record.options, record.manifest);
  const { source, path, bun } = options;
  const commands = planCommands({ source, settings });
  if (commands !== undefined) return { settings, build: commands };
  const lenient = mayBeBuilt(settings);
  const entry = lenient ? undefined : await findEntryPoint(source, { ...settings, name: record.name, path });
  const folder = serviceFolder(source, settings.entrypoint);
  const described: EntryPoint = entry ?? { runner: "program", folder, program: "", args: [] };
  const build = await planBuild(described, { source, settings, path, bun });
  return { settings, ...(build === undefined ? {} : { build }), ...(entry === undefined ? {} : { entry }) };
}

/** A command of a folder whose language is named may be one that a package brings. */
function mayBeBuilt({ command, language }: RunSettings): boolean {
  return command.length > 0 && (language === "javascript" || language === "python");
}

/** The folder that a service lives in. @throws MicroError when the source holds no such thing. */
export function serviceFolder(source: string, entrypoint: string): string {
  const path = cleanSourcePath(entrypoint);
  if (path === "") return source;
  const found = statSync(`${source}/${path}`, { throwIfNoEntry: false });
  if (found === undefined) throw new MicroError("invalid_argument", `the source holds no ${path}`);
  return found.isDirectory() ? `${source}/${path}` : dirname(`${source}/${path}`);
}
