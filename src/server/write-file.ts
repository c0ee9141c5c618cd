import { rename, rm, writeFile } from "node:fs/promises";

/** Replaces a file as a whole, readable by its owner only: a reader sees the old text or the new one, never a half. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const aside = `${path}.${process.pid}.new`;
  try {
    await writeFile(aside, text, { mode: 0o600 });
    await rename(aside, path);
  } catch (reason) {
    await rm(aside, { force: true });
    throw reason;
  }
}
