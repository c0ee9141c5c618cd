import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { joinBytes } from "#base/join-bytes.ts";
import { createLogger } from "#base/logger.ts";
import type { BackupPart } from "#interface/backup.ts";
import { BackupMaker, type BackupMakerDeps } from "./backup-maker.ts";

/** Content of files by path. */
export type Tree = Readonly<Record<string, string>>;

export async function writeTree(folder: string, tree: Tree): Promise<void> {
  for (const [path, content] of Object.entries(tree)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

/** All files below a folder but those below the names that are left out. */
export async function readTree(folder: string, without: readonly string[] = []): Promise<Tree> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const wanted = paths.filter((path) => !without.includes(relative(folder, path).split("/")[0] ?? "")).toSorted();
  const files = wanted.map(async (path) => [relative(folder, path), await readFile(path, "utf8")] as const);
  return Object.fromEntries(await Promise.all(files));
}

/** A part that keeps a tree. */
export function treePart(name: string, tree: Tree): BackupPart {
  return { name, copyTo: (folder) => writeTree(folder, tree) };
}

export function makerOf(deps: Partial<BackupMakerDeps> & Pick<BackupMakerDeps, "parts" | "workFolder">): BackupMaker {
  return new BackupMaker({
    version: "0.1.0",
    clock: { now: () => Date.UTC(2026, 0, 31, 12) },
    logger: createLogger({ write: () => undefined }),
    ...deps,
  });
}

/** The whole archive of the parts. */
export async function archiveOf(maker: BackupMaker): Promise<Uint8Array<ArrayBuffer>> {
  const pieces = await Array.fromAsync(maker.make((archive) => archive.pieces(), new AbortController().signal));
  return joinBytes(pieces);
}
