import { existsSync, statSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";
import { cleanSourcePath } from "./source-path.ts";

/** What runs a service. `program`: any executable, which may know nothing of us. */
export type Runner = "bun" | "node" | "program";

/** What a source runs. */
export type EntryPoint =
  | { readonly runner: "bun" | "node"; readonly folder: string; readonly file: string }
  | { readonly runner: "program"; readonly folder: string; readonly program: string; readonly args: readonly string[] };

export interface EntryPointOptions {
  /** Program to run instead of what the folder suggests, with its first arguments. */
  readonly command?: readonly string[];
  /** File or folder inside the source. */
  readonly entrypoint?: string;
  /** Where programs are looked for. */
  readonly path: string;
}

const usualFiles = ["index", "main", "service", "src/index", "src/main"].flatMap((name) => [
  `${name}.ts`,
  `${name}.mts`,
  `${name}.js`,
  `${name}.mjs`,
]);
const codeExtensions: ReadonlySet<string> = new Set([".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"]);
const expectation =
  "expected index.ts, main.ts, service.ts, src/index.ts or a package.json with main; or use --command";

/**
 * What to run in a source: the command that was given, else the file that was given, else what package.json names
 * (`micro`, `module`, `main`), else one of the usual files, else the only TypeScript or JavaScript file.
 *
 * @throws MicroError `invalid_argument` that says what was expected.
 */
export async function findEntryPoint(source: string, options: EntryPointOptions): Promise<EntryPoint> {
  const { folder, file } = resolveEntry(source, options.entrypoint ?? "");
  const [program, ...args] = options.command ?? [];
  if (program !== undefined && program !== "") {
    return { runner: "program", folder, program: findProgram(program, folder, options.path), args };
  }
  const manifest = await readManifest(folder);
  const entry = file ?? namedFile(folder, manifest) ?? usualFile(folder) ?? (await onlyFile(folder));
  if (entry === undefined) {
    const where = options.entrypoint ?? "";
    throw new MicroError(
      "invalid_argument",
      `no entry point in ${where === "" ? "the source" : where}: ${expectation}`,
    );
  }
  return { runner: chooseRunner(entry, manifest), folder, file: entry };
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

/** A program by name: a path inside the folder, an absolute one, or one of PATH. */
function findProgram(program: string, folder: string, path: string): string {
  if (program.includes("\0")) throw new MicroError("invalid_argument", "the command holds a zero character");
  const local = program.startsWith("/") ? program : `${folder}/${program}`;
  const isFile = statSync(local, { throwIfNoEntry: false })?.isFile() === true;
  if (isFile && isExecutable(local)) return local;
  if (isFile) {
    throw new MicroError("invalid_argument", `command ${program} is not executable; make it so: chmod +x ${program}`);
  }
  const found = program.includes("/") ? null : Bun.which(program, { PATH: path });
  if (found !== null) return found;
  throw new MicroError("invalid_argument", `command ${program} is neither in the source nor on the server's PATH`);
}

function isExecutable(path: string): boolean {
  return (statSync(path).mode & 0o111) !== 0;
}

type Manifest = Readonly<Record<string, unknown>>;

async function readManifest(folder: string): Promise<Manifest> {
  const path = `${folder}/package.json`;
  if (!existsSync(path)) return {};
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (isRecord(value)) return value;
  } catch (cause) {
    throw new MicroError("invalid_argument", "package.json of the source is not JSON", { cause });
  }
  throw new MicroError("invalid_argument", "package.json of the source is not a JSON object");
}

/** `micro` must be right; `module` and `main` often name what a build would make, and are skipped when that is not there. */
function namedFile(folder: string, manifest: Manifest): string | undefined {
  const stated = manifest["micro"];
  if (typeof stated === "string") {
    const path = `${folder}/${cleanSourcePath(stated)}`;
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path;
    throw new MicroError("invalid_argument", `package.json names ${stated} in "micro", which the source does not hold`);
  }
  for (const field of ["module", "main"]) {
    const name = manifest[field];
    if (typeof name !== "string") continue;
    const path = `${folder}/${cleanSourcePath(name)}`;
    if (isCode(path) && statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path;
  }
  return undefined;
}

function usualFile(folder: string): string | undefined {
  return usualFiles.map((name) => `${folder}/${name}`).find((path) => existsSync(path));
}

async function onlyFile(folder: string): Promise<string | undefined> {
  const names = (await readdir(folder)).filter((name) => isCode(name) && !isAside(name));
  const [only] = names;
  return only !== undefined && names.length === 1 ? `${folder}/${only}` : undefined;
}

function isCode(path: string): boolean {
  return codeExtensions.has(extname(path));
}

/** Files beside a service that never are the service: declarations, tests, settings of tools. */
function isAside(name: string): boolean {
  return /\.d\.[cm]?ts$|\.(test|spec)\.[cm]?[jt]s$|\.config\.[cm]?[jt]s$/.test(name);
}

/** Node where package.json asks for Node and not for Bun, and the file is one that Node runs as it is. */
function chooseRunner(file: string, manifest: Manifest): "bun" | "node" {
  const engines = isRecord(manifest["engines"]) ? manifest["engines"] : {};
  const asksForNode = typeof engines["node"] === "string" && engines["bun"] === undefined;
  return asksForNode && /\.[cm]?js$/.test(file) ? "node" : "bun";
}
