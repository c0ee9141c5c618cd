import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
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

/** The content of a file in pieces. */
export function readPieces(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: limits.blobPieceBytes });
}
