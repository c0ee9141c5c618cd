import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { MicroError } from "#base/error.ts";

/**
 * Writes a key, readable by its owner only. It is on disk before it has its name, and the name before this returns: a key
 * that is lost makes every token worthless.
 *
 * @throws MicroError `unavailable` when the disk refuses.
 */
export async function writeKeyFile(path: string, text: string): Promise<void> {
  const aside = `${path}.${process.pid}.new`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(aside, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
    const folder = await open(dirname(path), "r");
    await folder.sync();
    await folder.close();
  } catch (reason) {
    await rm(aside, { force: true });
    throw MicroError.from(reason, { code: "unavailable" });
  }
}
