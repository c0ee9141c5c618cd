import { createHash } from "node:crypto";
import { open, readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { limits } from "#base/limits.ts";
import type { BackupFile } from "./backup-manifest.ts";

/** All files below a folder with what the manifest says of them, ordered by path. */
export async function listFiles(folder: string): Promise<readonly BackupFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  const files: BackupFile[] = [];
  for (const path of paths) {
    const { size, mode } = await stat(path);
    files.push({
      path: relative(folder, path).split(sep).join("/"),
      sizeBytes: size,
      sha256: await hashFile(path),
      isExecutable: (mode & 0o100) !== 0,
    });
  }
  return files;
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of readPieces(path)) hash.update(piece);
  return hash.digest("hex");
}

/** The content of a file in pieces. Each is a memory of its own. */
export async function* readPieces(path: string): AsyncGenerator<Uint8Array> {
  const handle = await open(path, "r");
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(limits.blobPieceBytes));
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      // A short piece is the end of a file that does not grow.
      if (bytesRead < buffer.length) return;
    }
  } finally {
    await handle.close();
  }
}
