import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { MicroError } from "#base/error.ts";

/** A program in Go: the folder of its module, and its package below that. */
export interface GoPackage {
  readonly module: string;
  /** `.` or `./cmd/NAME`. */
  readonly path: string;
}

/**
 * The main package of a folder: its own, else the one of `cmd/NAME`, else the only one below `cmd`. Undefined where the
 * folder belongs to no module.
 *
 * @throws MicroError `invalid_argument` when there is a module and no package, or none that is clearly meant.
 */
export async function findGoPackage(folder: string, source: string, name: string): Promise<GoPackage | undefined> {
  const module = findModule(folder, source);
  if (module === undefined) return undefined;
  if (await isMain(folder)) return { module, path: pathOf(module, folder) };
  const commands = await readdir(`${folder}/cmd`).catch(() => []);
  const mains: string[] = [];
  for (const each of commands) if (await isMain(`${folder}/cmd/${each}`)) mains.push(each);
  const chosen = mains.includes(name) ? name : mains[0];
  if (chosen === undefined) {
    if (folder !== module) return undefined;
    throw new MicroError(
      "invalid_argument",
      "go.mod is there, but no package main: neither in its folder nor below cmd",
    );
  }
  if (mains.length > 1 && chosen !== name) {
    const which = mains.toSorted().join(", ");
    throw new MicroError(
      "invalid_argument",
      `cmd holds several programs: ${which}; choose one: --entrypoint cmd/${chosen}`,
    );
  }
  return { module, path: pathOf(module, `${folder}/cmd/${chosen}`) };
}

function findModule(folder: string, source: string): string | undefined {
  if (existsSync(`${folder}/go.mod`)) return folder;
  return folder === source || !folder.startsWith(`${source}/`) ? undefined : findModule(dirname(folder), source);
}

function pathOf(module: string, folder: string): string {
  const below = relative(module, folder);
  return below === "" ? "." : `./${below}`;
}

async function isMain(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.endsWith(".go") || name.endsWith("_test.go")) continue;
    if (/^package main\b/m.test(await readFile(`${folder}/${name}`, "utf8"))) return true;
  }
  return false;
}
