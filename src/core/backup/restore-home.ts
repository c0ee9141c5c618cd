import { existsSync } from "node:fs";
import { mkdir, open, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MicroError } from "#base/error.ts";
import type { HomePaths } from "#base/home.ts";
import { badBackup, type BackupFile, type BackupManifest } from "./backup-manifest.ts";
import { homeFilePaths } from "./home-files.ts";
import { readPieces } from "./list-files.ts";
import { readArchive } from "./read-archive.ts";
import { findState, finishRestore, partFolders, stagingFolder, swapState } from "./restore-plan.ts";
import { syncTree } from "./sync-tree.ts";

export interface RestoreOptions {
  /** The archive. */
  readonly file: string;
  /** The home that is restored; nobody else may use it meanwhile. */
  readonly paths: HomePaths;
  /** Version of this micro: a backup of a later one is refused. */
  readonly version: string;
  /** Whether a home with something in it may be replaced. */
  readonly isForced: boolean;
  /** Milliseconds since the epoch, for the name of the folder with the present state. */
  readonly nowMs: number;
}

export interface RestoreResult {
  readonly manifest: BackupManifest;
  /** Folder with the state that was replaced; undefined when there was none. */
  readonly previous: string | undefined;
}

/**
 * Checks an archive from its beginning to its end and, where `target` is given, that it can be restored there.
 *
 * @throws MicroError `invalid_argument` that begins with the name of the file.
 */
export async function checkBackup(
  file: string,
  target?: { readonly paths: HomePaths; readonly version: string },
): Promise<BackupManifest> {
  const onManifest = (manifest: BackupManifest): void => {
    if (target !== undefined) requireRestorable(manifest, target);
  };
  return named(file, () => readArchive(readPieces(file), { onManifest }));
}

/** @throws MicroError `failed_precondition` when something is there that may not be replaced. */
export async function requireReplaceable({
  paths,
  isForced,
}: Pick<RestoreOptions, "paths" | "isForced">): Promise<void> {
  const [first] = isForced ? [] : await findState(paths);
  if (first === undefined) return;
  const advice = "use another MICRO_HOME, or --force, which sets the present state aside";
  throw new MicroError("failed_precondition", `${paths.home} is in use (it has ${first}): ${advice}`);
}

/**
 * Makes a home what it was when the backup was made. Unpacks aside, holds every file against its checksum, and only then
 * replaces what is there, which is set aside. Cut off at any point, it leaves the old state or the new one, once
 * `finishRestore` has run.
 *
 * @throws MicroError as `checkBackup` and `requireReplaceable` do.
 */
export async function restoreHome(options: RestoreOptions): Promise<RestoreResult> {
  const { file, paths } = options;
  await finishRestore(paths);
  await requireReplaceable(options);
  const staging = stagingFolder(paths);
  try {
    await mkdir(staging, { recursive: true, mode: 0o700 });
    const manifest = await named(file, () =>
      readArchive(readPieces(file), {
        onManifest: (each) => requireRestorable(each, options),
        onFile: (each, content) => writeStaged(join(staging, targetOf(each.path, paths)), each, content),
      }),
    );
    await syncTree(staging);
    const hasState = (await findState(paths)).length > 0;
    const previous = previousName(paths, options.nowMs);
    await swapState(paths, previous);
    return { manifest, previous: hasState ? join(paths.home, previous) : undefined };
  } catch (reason) {
    // What is only unpacked goes; what is planned is brought to its end.
    await finishRestore(paths);
    throw reason;
  }
}

function requireRestorable(
  manifest: BackupManifest,
  { paths, version }: { readonly paths: HomePaths; readonly version: string },
): void {
  if (isLater(manifest.microVersion, version)) {
    throw badBackup(`micro ${manifest.microVersion} made it, this is ${version}: use that version or a later one`);
  }
  for (const { path } of manifest.files) targetOf(path, paths);
}

/** Where a file of a backup goes, relative to the home. @throws MicroError for one that no server keeps. */
function targetOf(path: string, paths: HomePaths): string {
  const slash = path.indexOf("/");
  const part = path.slice(0, slash);
  const inner = path.slice(slash + 1);
  const folder = partFolders(paths).get(part);
  if (folder !== undefined) return `${folder}/${inner}`;
  const isKept = homeFilePaths(paths).some((each) => inner === each || inner.startsWith(`${each}/`));
  if (part === "files" && isKept) return inner;
  throw badBackup(`it holds ${JSON.stringify(path.slice(0, 100))}, which this micro does not know`);
}

async function writeStaged(path: string, file: BackupFile, content: AsyncIterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const handle = await open(path, "wx", file.isExecutable ? 0o700 : 0o600);
  try {
    for await (const piece of content) await writeAll(handle, piece);
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, piece: Uint8Array): Promise<void> {
  for (let at = 0; at < piece.length;) at += (await handle.write(piece, at)).bytesWritten;
}

/** A name that is not taken: `before-restore-20260131-120000`. */
function previousName(paths: HomePaths, nowMs: number): string {
  const [day = "", time = ""] = new Date(nowMs)
    .toISOString()
    .replaceAll(/[-:]|\..*/g, "")
    .split("T");
  const name = `before-restore-${day}-${time}`;
  let taken = 1;
  while (existsSync(join(paths.home, taken === 1 ? name : `${name}-${taken}`))) taken += 1;
  return taken === 1 ? name : `${name}-${taken}`;
}

/** Whether version `left` came after `right`; both are three numbers. */
function isLater(left: string, right: string): boolean {
  const [ours, theirs] = [right, left].map((text) => text.split(/[.+-]/).slice(0, 3).map(Number));
  for (let index = 0; index < 3; index += 1) {
    const difference = (theirs?.[index] ?? 0) - (ours?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** Failures of reading a file begin with its name. */
async function named<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (reason) {
    if (MicroError.is(reason)) throw new MicroError(reason.code, `${file}: ${reason.detail}`, { cause: reason });
    const why = reason instanceof Error && "code" in reason ? String(reason.code) : String(reason);
    throw new MicroError("unavailable", `${file}: it cannot be read or unpacked: ${why}`, { cause: reason });
  }
}
