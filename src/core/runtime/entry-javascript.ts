import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { extname } from "node:path";
import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";
import type { PackageJson } from "./package-json.ts";
import { cleanSourcePath } from "./source-path.ts";

const usualFiles = ["index", "main", "service", "src/index", "src/main"].flatMap((name) => [
  `${name}.ts`,
  `${name}.mts`,
  `${name}.js`,
  `${name}.mjs`,
]);
const codeExtensions: ReadonlySet<string> = new Set([".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"]);

/**
 * The file that package.json names, else one of the usual ones. `micro` must be right; `module` and `main` often name what
 * a build would make, and are skipped when that is not there.
 *
 * @throws MicroError `invalid_argument` when `micro` names what is not there.
 */
export function findNamedScript(folder: string, json: PackageJson): string | undefined {
  const stated = json["micro"];
  if (typeof stated === "string") {
    const path = `${folder}/${cleanSourcePath(stated)}`;
    if (isFile(path)) return path;
    throw new MicroError("invalid_argument", `package.json names ${stated} in "micro", which the source does not hold`);
  }
  for (const field of ["module", "main"]) {
    const name = json[field];
    if (typeof name !== "string") continue;
    const path = `${folder}/${cleanSourcePath(name)}`;
    if (isScript(path) && isFile(path)) return path;
  }
  return usualFiles.map((name) => `${folder}/${name}`).find((path) => existsSync(path));
}

/** The only TypeScript or JavaScript file of a folder. */
export async function findOnlyScript(folder: string): Promise<string | undefined> {
  const names = (await readdir(folder)).filter((name) => isScript(name) && !isAside(name));
  const [only] = names;
  return only !== undefined && names.length === 1 ? `${folder}/${only}` : undefined;
}

/** Whether a file holds TypeScript or JavaScript. */
export function isScript(path: string): boolean {
  return codeExtensions.has(extname(path));
}

/**
 * What was asked for; else Node where package.json asks for Node and not for Bun, and the file is one that Node runs as it
 * is.
 *
 * @throws MicroError `invalid_argument` for TypeScript on Node.
 */
export function chooseRunner(file: string, json: PackageJson, asked: "bun" | "node" | undefined): "bun" | "node" {
  const runsOnNode = /\.[cm]?js$/.test(file);
  if (asked === "node" && !runsOnNode) {
    const detail = "Node is not given TypeScript; use the runner bun, or a build that makes JavaScript";
    throw new MicroError("invalid_argument", detail);
  }
  if (asked !== undefined) return asked;
  const engines = isRecord(json["engines"]) ? json["engines"] : {};
  const asksForNode = typeof engines["node"] === "string" && engines["bun"] === undefined;
  return asksForNode && runsOnNode ? "node" : "bun";
}

/** Files beside a service that never are the service: declarations, tests, settings of tools. */
function isAside(name: string): boolean {
  return /\.d\.[cm]?ts$|\.(test|spec)\.[cm]?[jt]s$|\.config\.[cm]?[jt]s$/.test(name);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
