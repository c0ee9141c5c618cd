import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Forced to disk at a time: enough for the file system to commit them together. */
const concurrencyMax = 16;

/** Forces every file below a folder, and the folders that name them, to disk. */
export async function syncTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = [folder, ...entries.map((entry) => join(entry.parentPath, entry.name))];
  const worker = async (): Promise<void> => {
    for (let path = paths.pop(); path !== undefined; path = paths.pop()) await syncPath(path);
  };
  await Promise.all(Array.from({ length: concurrencyMax }, worker));
}

/** Forces one file, or the names in one folder, to disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
