import { open, readFile } from "node:fs/promises";
import type { Store, StoreScope } from "#interface/store.ts";
import { syncFolder, type ContentFolder } from "./content-folder.ts";
import { systemCode } from "./disk-error.ts";

const scope: StoreScope = { database: "micro", table: "blob-folder" };
const key = "id";

/** Name of the file that says which store a folder of contents belongs to. */
export const identityFile = "id";

/**
 * True when a folder of contents and a store belong together; a pair that is new is joined. Contents without a record may
 * be removed only then: beside the wrong store, or one that was lost, every one of them is without a record.
 */
export async function belongsToStore(folder: ContentFolder, store: Store): Promise<boolean> {
  const record = await store.read(scope, key);
  const recorded = record === undefined ? undefined : new TextDecoder().decode(record.value);
  const written = await readIdentity(folder.path);
  if (written !== undefined) return written === recorded;
  if (recorded !== undefined) {
    await writeIdentity(folder.path, recorded);
    return true;
  }
  if (!(await folder.isEmpty())) return false;
  const id = crypto.randomUUID();
  // The store first: a folder that names a store which does not know it would be taken for a foreign one.
  await store.write([{ kind: "put", scope, key, value: new TextEncoder().encode(id) }]);
  await writeIdentity(folder.path, id);
  return true;
}

async function readIdentity(folder: string): Promise<string | undefined> {
  try {
    const text = await readFile(`${folder}/${identityFile}`, "utf8");
    // Empty after a crash in the middle of its making.
    return text === "" ? undefined : text;
  } catch (reason) {
    if (systemCode(reason) === "ENOENT") return undefined;
    throw reason;
  }
}

async function writeIdentity(folder: string, id: string): Promise<void> {
  const file = await open(`${folder}/${identityFile}`, "w", 0o600);
  try {
    await file.writeFile(id);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(folder);
}
