import { constants, existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { HomePaths } from "#base/home.ts";
import type { BackupPart } from "#interface/backup.ts";

/** Files and folders of the home that belong to a server and that no block copies itself, relative to the home. */
export function homeFilePaths(paths: HomePaths): readonly string[] {
  const kept = [paths.privateKeyFile, paths.publicKeyFile, paths.configKeyFile, `${paths.runtimeFolder}/sources`];
  return kept.map((path) => relative(paths.home, path));
}

/**
 * Keys and uploaded sources as a part of a backup. None of them is changed in place, but a source may be removed, and a key of
 * secrets replaced, between the copy of the records that need them and this one: so both are copied before and after, and
 * what was there at either time is in the backup. What is missing is left out, and so is what lies directly in a folder under a
 * name that begins with a dot, which is how work under way is called.
 */
export class FilesPart implements BackupPart {
  readonly name = "files";
  readonly #paths: HomePaths;

  constructor(paths: HomePaths) {
    this.#paths = paths;
  }

  prepare(folder: string): Promise<void> {
    return this.copyTo(folder);
  }

  async copyTo(folder: string): Promise<void> {
    const configKey = join(folder, relative(this.#paths.home, this.#paths.configKeyFile));
    const earlier = await readFile(configKey, "utf8").catch(ignoreMissing);
    for (const path of homeFilePaths(this.#paths)) await this.#copy(path, folder);
    if (earlier !== undefined) await addLines(configKey, earlier);
  }

  async #copy(path: string, folder: string): Promise<void> {
    const from = join(this.#paths.home, path);
    const found = await stat(from).catch(ignoreMissing);
    if (found?.isFile() === true) return copyInto(from, join(folder, path));
    if (found === undefined) return;
    const names = (await readdir(from)).filter((name) => !name.startsWith("."));
    for (const name of names) {
      const to = join(folder, path, name);
      if (existsSync(to)) continue;
      await copyTree(join(from, name), to);
      // Removed meanwhile: half of a source must not pass for one.
      if (!existsSync(join(from, name))) await rm(to, { recursive: true, force: true });
    }
  }
}

/** Adds the lines that a file of keys does not have; its first line stays the key that seals. */
async function addLines(path: string, earlier: string): Promise<void> {
  const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
  const missing = earlier.split("\n").filter((line) => line !== "" && !lines.includes(line));
  if (missing.length > 0) await writeFile(path, `${[...lines, ...missing].join("\n")}\n`);
}

async function copyTree(from: string, to: string): Promise<void> {
  const entries = await readdir(from, { recursive: true, withFileTypes: true }).catch(ignoreMissing);
  for (const entry of entries ?? []) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    await copyInto(path, join(to, relative(from, path)));
  }
}

async function copyInto(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  // Shares the blocks where the file system can.
  await copyFile(from, to, constants.COPYFILE_FICLONE).catch(ignoreMissing);
}

function ignoreMissing(reason: unknown): undefined {
  if (reason instanceof Error && "code" in reason && reason.code === "ENOENT") return undefined;
  throw reason;
}
