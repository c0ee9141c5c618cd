import { constants } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { CommandError } from "#cli/command-error.ts";
import { limits, MiB } from "#base/limits.ts";
import type { TarFile } from "#base/tar-writer.ts";

/** A file of a source. */
export interface SourceFile extends TarFile {
  readonly absolutePath: string;
}

/** Folders that are never part of a source: what is installed or generated, and what git keeps for itself. */
const skippedFolders: ReadonlySet<string> = new Set([".git", "node_modules"]);

/**
 * The files of a service's folder, ordered by path: all but what git ignores, `node_modules` and `.git`. Files behind
 * links are taken with their content.
 *
 * @throws CommandError for a folder that is not there, cannot be read, is empty or too large.
 */
export async function collectSource(folder: string): Promise<readonly SourceFile[]> {
  await requireFolder(folder);
  const listed = await listWithGit(folder);
  const paths = listed === undefined || listed.length === 0 ? await walk(folder, "") : listed;
  const files: SourceFile[] = [];
  let totalBytes = 0;
  for (const path of paths.toSorted((a, b) => (a < b ? -1 : 1))) {
    const file = await readEntry(folder, path);
    if (file === undefined) continue;
    files.push(file);
    totalBytes += file.sizeBytes;
    if (totalBytes > limits.sourceBytesMax) {
      throw new CommandError(
        `${folder} is larger than ${limits.sourceBytesMax / MiB} MiB: ignore what the service does not need in .gitignore, or send less with --root`,
      );
    }
  }
  if (files.length === 0) throw new CommandError(`${folder} is empty: there is nothing to run`);
  if (files.length > limits.sourceFileCountMax) {
    throw new CommandError(
      `${folder} has more than ${limits.sourceFileCountMax} files: ignore some in .gitignore, or send fewer with --root`,
    );
  }
  return files;
}

async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) throw new CommandError(`${folder} does not exist`);
  if (!found.isDirectory()) throw new CommandError(`${folder} is not a folder: name the folder of the service`);
  await access(folder, constants.R_OK | constants.X_OK).catch((reason: unknown) => {
    throw new CommandError(`${folder} cannot be read: its permissions forbid it`, { cause: reason });
  });
}

/** What git would commit; undefined without git or outside of a repository. */
async function listWithGit(folder: string): Promise<readonly string[] | undefined> {
  try {
    const command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const git = Bun.spawn(command, { cwd: folder, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
    const [text, code] = await Promise.all([git.stdout.text(), git.exited]);
    if (code !== 0) return undefined;
    const paths = text.split("\0").filter((path) => path !== "" && !isSkipped(path));
    return [...new Set(paths)];
  } catch {
    return undefined;
  }
}

function isSkipped(path: string): boolean {
  return path.split("/").some((part) => skippedFolders.has(part));
}

async function walk(folder: string, prefix: string): Promise<string[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true });
  const paths: string[] = [];
  for (const entry of entries) {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (skippedFolders.has(entry.name)) continue;
    if (entry.isDirectory()) paths.push(...(await walk(folder, path)));
    else paths.push(path);
  }
  return paths;
}

/** Undefined for what is no file: a link to a folder, a socket, a file that git knows and that was deleted. */
async function readEntry(folder: string, path: string): Promise<SourceFile | undefined> {
  const absolutePath = join(folder, path);
  const found = await stat(absolutePath).catch(() => undefined);
  if (found?.isFile() !== true) return undefined;
  const isExecutable = (found.mode & 0o100) !== 0;
  return { path: path.split(sep).join("/"), absolutePath, sizeBytes: found.size, isExecutable };
}
