import { readFile, stat } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";
import { cleanSourcePath } from "./source-path.ts";
import { manifestFileName, type ServiceManifest } from "./service-manifest.ts";

/** Larger than any that a person writes. */
const manifestBytesMax = 256 * 1_024;

/**
 * The `micro.json` of a service: of the folder that `entrypoint` names where that holds one, else of the source's root.
 * Undefined where there is none.
 *
 * @throws MicroError `invalid_argument` that names the file, the key, and what would be right.
 */
export async function readManifest(source: string, entrypoint: string): Promise<ServiceManifest | undefined> {
  const below = cleanSourcePath(entrypoint);
  const names = [...(below === "" ? [] : [`${below}/${manifestFileName}`]), manifestFileName];
  for (const name of names) {
    const found = await stat(`${source}/${name}`).catch(() => undefined);
    if (found?.isFile() !== true) continue;
    if (found.size > manifestBytesMax) throw new MicroError("invalid_argument", `${name} is too large`);
    const manifest = await parse(await readFile(`${source}/${name}`, "utf8"), name);
    return placed(manifest, name === manifestFileName ? "" : below);
  }
  return undefined;
}

/** Its entry point is meant from where it lies. */
function placed(manifest: ServiceManifest, folder: string): ServiceManifest {
  if (manifest.entrypoint === undefined) return manifest;
  const entrypoint = cleanSourcePath(manifest.entrypoint);
  return { ...manifest, entrypoint: folder === "" ? entrypoint : `${folder}/${entrypoint}` };
}

async function parse(text: string, name: string): Promise<ServiceManifest> {
  const value = parseJson(text, name);
  if (!isRecord(value)) throw new MicroError("invalid_argument", `${name} is not a JSON object`);
  // Most services have none: what checks it is loaded with the first.
  const { parseManifest } = await import("./manifest-schema.ts");
  // A reference for editors says nothing to us.
  const { $schema: _schema, ...fields } = value;
  const manifest = parseManifest(fields, name);
  return withoutUndefined(manifest);
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MicroError("invalid_argument", `${name} is not JSON: ${reason}`, { cause });
  }
}

type Defined<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Defined<T>;
}
