import { statSync } from "node:fs";
import { dirname, extname } from "node:path";
import { MicroError } from "#base/error.ts";
import type { ServiceRunner } from "#interface/runtime.ts";
import { findGoPackage, type GoPackage } from "./entry-go.ts";
import { chooseRunner, findNamedScript, findOnlyScript, isScript } from "./entry-javascript.ts";
import { findNamedPython, findOnlyPython, type PythonEntry } from "./entry-python.ts";
import { findProgram, isExecutable } from "./find-program.ts";
import { findPackage } from "./package-json.ts";
import type { ServiceLanguage } from "./service-manifest.ts";
import { cleanSourcePath } from "./source-path.ts";

/** What a source runs, and in which folder. `program`: any executable, which may know nothing of us. */
export type EntryPoint = { readonly folder: string } & (
  | { readonly runner: ServiceRunner; readonly file: string }
  | { readonly runner: "go"; readonly package: GoPackage }
  | { readonly runner: "python"; readonly entry: PythonEntry }
  | { readonly runner: "program"; readonly program: string; readonly args: readonly string[] }
);

export interface EntryPointOptions {
  /** Program to run instead of what the folder suggests, with its first arguments. */
  readonly command?: readonly string[];
  /** File or folder inside the source. */
  readonly entrypoint?: string;
  /** Looks for nothing else. */
  readonly language?: ServiceLanguage;
  /** What runs JavaScript. */
  readonly runner?: ServiceRunner;
  /** Of the deployment: chooses among several programs. */
  readonly name?: string;
  /** Where programs are looked for. */
  readonly path: string;
}

const expectation =
  "expected index.ts, main.ts, service.ts, src/index.ts, a package.json with main, go.mod, main.py or app.py; " +
  "or use --command";

/**
 * What to run in a source: the command that was given, else the file that was given, else the main package of a Go module,
 * what package.json names or a usual JavaScript file, a usual Python file, else the only file of code.
 *
 * @throws MicroError `invalid_argument` that says what was expected.
 */
export async function findEntryPoint(source: string, options: EntryPointOptions): Promise<EntryPoint> {
  const { folder, file } = resolveEntry(source, options.entrypoint ?? "");
  const [program, ...args] = options.command ?? [];
  if (program !== undefined && program !== "") {
    return { runner: "program", folder, program: findProgram(program, folder, options.path), args };
  }
  const found = file === undefined ? await inFolder(source, folder, options) : await ofFile(source, file, options);
  if (found !== undefined) return found;
  const where = options.entrypoint ?? "";
  throw new MicroError("invalid_argument", `no entry point in ${where === "" ? "the source" : where}: ${expectation}`);
}

function resolveEntry(source: string, entrypoint: string): { folder: string; file?: string } {
  const path = cleanSourcePath(entrypoint);
  const full = path === "" ? source : `${source}/${path}`;
  const found = statSync(full, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return { folder: full };
  if (found?.isFile() === true) return { folder: dirname(full), file: full };
  if (path === "") throw new MicroError("failed_precondition", "the source is not there any more; upload it again");
  throw new MicroError("invalid_argument", `the source holds no ${path}`);
}

async function inFolder(source: string, folder: string, options: EntryPointOptions): Promise<EntryPoint | undefined> {
  const { language, name = "" } = options;
  const may = (each: ServiceLanguage): boolean => language === undefined || language === each;
  const goPackage = may("go") ? await findGoPackage(folder, source, name) : undefined;
  if (goPackage !== undefined) return { runner: "go", folder, package: goPackage };
  const json = (await findPackage(folder, folder))?.json ?? {};
  const script = may("javascript") ? findNamedScript(folder, json) : undefined;
  if (script !== undefined) return ofFile(source, script, options, folder);
  const python = may("python") ? await findNamedPython(folder, name) : undefined;
  if (python !== undefined) return { runner: "python", folder, entry: python };
  const only = may("javascript") ? await findOnlyScript(folder) : undefined;
  if (only !== undefined) return ofFile(source, only, options, folder);
  const onlyPython = may("python") ? await findOnlyPython(folder) : undefined;
  return onlyPython === undefined ? undefined : { runner: "python", folder, entry: onlyPython };
}

/** A file is run as its name says; one without a telling name must be executable. */
async function ofFile(
  source: string,
  file: string,
  options: EntryPointOptions,
  folder = dirname(file),
): Promise<EntryPoint | undefined> {
  if (isScript(file)) {
    const json = (await findPackage(folder, source))?.json ?? {};
    return { runner: chooseRunner(file, json, options.runner), folder, file };
  }
  if (extname(file) === ".py") return { runner: "python", folder, entry: { file } };
  if (extname(file) === ".go") {
    const goPackage = await findGoPackage(folder, source, options.name ?? "");
    return goPackage === undefined ? undefined : { runner: "go", folder, package: goPackage };
  }
  return isExecutable(file) ? { runner: "program", folder, program: file, args: [] } : undefined;
}
