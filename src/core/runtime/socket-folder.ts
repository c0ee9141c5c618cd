import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { MicroError } from "#base/error.ts";

/** What a path of a socket may hold on the strictest of our systems (macOS: 104 with its final zero). */
const socketPathBytesMax = 103;
/** A service opens a second socket beside the first, with this added to its path. */
const longestSuffix = ".http";

/**
 * The folder for the sockets of services, open to its owner only: `<runtimeFolder>/run`, or where the path of that is too
 * long for a socket, one below the system's folder for temporary files.
 *
 * Sockets that an earlier server left are removed, but for those of `keep`.
 *
 * @param keep instances that are running.
 * @throws MicroError `failed_precondition` when somebody else owns that folder.
 */
export function openSocketFolder(runtimeFolder: string, keep: ReadonlySet<string> = new Set()): string {
  const wanted = `${runtimeFolder}/run`;
  const folder = fits(wanted) ? wanted : fallback(runtimeFolder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  requireOwn(folder);
  chmodSync(folder, 0o700);
  for (const name of readdirSync(folder)) {
    const [, instance] = /^(.*)\.sock(?:\.http)?$/.exec(name) ?? [];
    if (instance !== undefined && !keep.has(instance)) rmSync(`${folder}/${name}`, { force: true });
  }
  return folder;
}

/** Path of the socket of one process. */
export function socketPath(folder: string, id: string): string {
  return `${folder}/${id}.sock`;
}

/** Removes what a process that did not clean up left. */
export function removeSocket(path: string): void {
  rmSync(path, { force: true });
  rmSync(`${path}${longestSuffix}`, { force: true });
}

function fits(folder: string): boolean {
  const longest = `${socketPath(folder, "x".repeat(16))}${longestSuffix}`;
  return new TextEncoder().encode(longest).byteLength <= socketPathBytesMax;
}

function fallback(runtimeFolder: string): string {
  const short = createHash("sha256").update(runtimeFolder).digest("hex").slice(0, 12);
  const below = tmpdir();
  return fits(`${below}/micro-${short}`) ? `${below}/micro-${short}` : `/tmp/micro-${short}`;
}

/** Anybody may make folders below the system's temporary one: only our own is to be trusted with sockets. */
function requireOwn(folder: string): void {
  const found = lstatSync(folder);
  if (found.isDirectory() && found.uid === process.getuid?.()) return;
  throw new MicroError(
    "failed_precondition",
    `${folder} belongs to somebody else; remove it, or use a shorter MICRO_HOME`,
  );
}
