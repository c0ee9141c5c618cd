import { existsSync } from "node:fs";
import { relative } from "node:path";
import { buildRoot, type BuildPlan, type PlanningOptions } from "./build-plan.ts";
import type { GoPackage } from "./entry-go.ts";
import { requireTool } from "./find-program.ts";

/** Where the program lies, relative to the root of what was built. */
export const goProgram = ".micro/service";

/**
 * One program, made with what go.mod says and nothing newer: from the modules that the source brings in `vendor`, as Micro's
 * command line in Go sends them, else from those that Go fetches.
 */
export function planGo({ module, path }: GoPackage, { source, path: programs }: PlanningOptions): BuildPlan {
  const go = requireTool("go", programs, "go.mod asks for it");
  const modules = existsSync(`${module}/vendor/modules.txt`) ? "vendor" : "readonly";
  return {
    folder: relative(source, module),
    commands: [{ argv: [go, "build", "-trimpath", "-buildvcs=false", "-o", `${buildRoot}/${goProgram}`, path] }],
    notes: [],
    // A newer toolchain that go.mod names is not fetched: the machine's owner decides what runs on it.
    env: { GOTOOLCHAIN: "local", GOFLAGS: `-mod=${modules}`, GOWORK: "off" },
  };
}
