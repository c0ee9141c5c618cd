import { rm, writeFile } from "node:fs/promises";
import { buildPreloadLibrary } from "./preload-library.ts";
import { createTempFolder } from "./temp-folder.ts";

/** A disk on which nothing can be made durable, for one process, whenever a test says so. */
export interface FailingDisk extends AsyncDisposable {
  /** Environment that the process needs. */
  readonly env: Readonly<Record<string, string>>;
  fail(): Promise<void>;
  recover(): Promise<void>;
}

const source = new URL("../../test/fixtures/failing-disk.c", import.meta.url).pathname;

/** @param root absolute path of the folder that lies on it */
export async function createFailingDisk(root: string): Promise<FailingDisk> {
  const work = await createTempFolder();
  const library = `${work.path}/failing-disk.so`;
  await buildPreloadLibrary(source, library);
  const flag = `${work.path}/fails`;
  return {
    env: { LD_PRELOAD: library, FAILING_DISK_ROOT: root, FAILING_DISK_SWITCH: flag },
    fail: () => writeFile(flag, ""),
    recover: () => rm(flag),
    [Symbol.asyncDispose]: () => work[Symbol.asyncDispose](),
  };
}
