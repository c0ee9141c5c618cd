import { existsSync } from "node:fs";
import { relative } from "node:path";
import { buildRoot, type BuildPlan, type PlanningOptions } from "./build-plan.ts";
import { requireTool } from "./find-program.ts";

/** The environment of Python packages, relative to the root of what was built. */
export const pythonEnvironment = ".micro/venv";

/** A virtual environment with what `requirements.txt` names, else with the project of `pyproject.toml`; none for neither. */
export function planPython(folder: string, { source, path }: PlanningOptions): BuildPlan | undefined {
  const target = ["requirements.txt", "pyproject.toml"].find((name) => existsSync(`${folder}/${name}`));
  if (target === undefined) return undefined;
  const python = requireTool("python3", path, `${target} asks for it`);
  const venv = `${buildRoot}/${pythonEnvironment}`;
  const what = target === "requirements.txt" ? ["-r", target] : ["."];
  return {
    folder: relative(source, folder),
    commands: [
      { argv: [python, "-m", "venv", venv] },
      { argv: [`${venv}/bin/python`, "-m", "pip", "install", "--no-input", ...what] },
    ],
    notes: [],
    env: { PIP_DISABLE_PIP_VERSION_CHECK: "1", PIP_NO_INPUT: "1" },
  };
}
