import { statSync } from "node:fs";
import type { BuildPlan, PlanningOptions } from "./build-plan.ts";
import type { EntryPoint } from "./entry-point.ts";
import { planGo } from "./plan-go.ts";
import { planJavaScript } from "./plan-javascript.ts";
import { planPython } from "./plan-python.ts";
import { cleanSourcePath } from "./source-path.ts";

/**
 * What has to be done before an entry point can be started; undefined where nothing has to.
 *
 * @throws MicroError `failed_precondition` when a tool is missing.
 */
export async function planBuild(entry: EntryPoint, options: PlanningOptions): Promise<BuildPlan | undefined> {
  if (entry.runner === "go") return planGo(entry.package, options);
  if (entry.runner === "python") return planPython(entry.folder, options);
  return entry.runner === "program" ? planForProgram(entry.folder, options) : planJavaScript(entry.folder, options);
}

/** A command is started as it is, unless the language is named that its folder is written in. */
async function planForProgram(folder: string, options: PlanningOptions): Promise<BuildPlan | undefined> {
  if (options.settings.language === "javascript") return planJavaScript(folder, options);
  return options.settings.language === "python" ? planPython(folder, options) : undefined;
}

/** The plan of commands that `micro.json` names: in the folder of the service, where that is not what they make. */
export function planCommands({
  source,
  settings,
}: Pick<PlanningOptions, "source" | "settings">): BuildPlan | undefined {
  if (settings.build === undefined) return undefined;
  const commands = settings.build.map((argv) => ({ argv }));
  const path = cleanSourcePath(settings.entrypoint);
  const isFolder = statSync(`${source}/${path}`, { throwIfNoEntry: false })?.isDirectory() === true;
  return { folder: isFolder ? path : "", commands, notes: [], env: {} };
}
