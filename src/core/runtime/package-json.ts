import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";

/** What a `package.json` says. */
export type PackageJson = Readonly<Record<string, unknown>>;

/** The package that a folder belongs to. */
export interface Package {
  readonly folder: string;
  readonly json: PackageJson;
}

/**
 * The nearest `package.json` at or above `folder`, not above the source; undefined where there is none.
 *
 * @throws MicroError `invalid_argument` for one that is not a JSON object.
 */
export async function findPackage(folder: string, source: string): Promise<Package | undefined> {
  if (existsSync(`${folder}/package.json`)) return { folder, json: await readPackageJson(folder) };
  return folder === source || !folder.startsWith(`${source}/`) ? undefined : findPackage(dirname(folder), source);
}

async function readPackageJson(folder: string): Promise<PackageJson> {
  try {
    const value: unknown = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
    if (isRecord(value)) return value;
  } catch (cause) {
    throw new MicroError("invalid_argument", "package.json of the source is not JSON", { cause });
  }
  throw new MicroError("invalid_argument", "package.json of the source is not a JSON object");
}
