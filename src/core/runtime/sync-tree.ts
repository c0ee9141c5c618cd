import { open } from "node:fs/promises";
import { dirname } from "node:path";
import type { SourceFile } from "./source-archive.ts";

/** Files that are forced to disk at a time: enough for the file system to commit them together. */
const concurrencyMax = 16;

/** Forces files and the folders that name them to disk, so that a source that was acknowledged survives a power cut. */
export async function syncTree(folder: string, files: readonly SourceFile[]): Promise<void> {
  const paths = files.map((file) => file.path);
  const folders = new Set(paths.flatMap(parents));
  const all = [...paths, ...folders].map((path) => `${folder}/${path}`);
  const worker = async (): Promise<void> => {
    for (let path = all.pop(); path !== undefined; path = all.pop()) await syncPath(path);
  };
  await Promise.all(Array.from({ length: concurrencyMax }, worker));
}

/** Forces one file or folder to disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The folders above a path, the root (``) included. */
function parents(path: string): string[] {
  const above = dirname(path);
  return above === "." ? [""] : [above, ...parents(above)];
}
