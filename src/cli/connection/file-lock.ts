import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CommandError } from "#cli/command-error.ts";
import { delay } from "#base/lifecycle.ts";
import { hasCode } from "./private-file.ts";

/** What is done under a lock takes one request at most; a wait this long means that something hangs. */
const patienceMs = 15_000;
const retryMs = 20;

/**
 * Runs `work` while holding `${path}.lock`, which one process at a time can hold. A lock whose holder is dead is taken
 * over.
 *
 * @throws CommandError when the lock is not free within 15 s.
 */
export async function withFileLock<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  const lockPath = `${path}.lock`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const endMs = Date.now() + patienceMs;
  while (!tryLock(lockPath)) {
    if (Date.now() > endMs) {
      throw new CommandError(`${lockPath} is held by another micro command; remove it if none is running`);
    }
    await delay(retryMs);
  }
  try {
    return await work();
  } finally {
    rmSync(lockPath, { force: true });
  }
}

/** The file appears complete, with its holder's process id in it: a link either makes the name or finds it taken. */
function tryLock(lockPath: string): boolean {
  const own = `${lockPath}.${process.pid}`;
  writeFileSync(own, String(process.pid), { mode: 0o600 });
  try {
    linkSync(own, lockPath);
    return true;
  } catch (reason) {
    if (!hasCode(reason, "EEXIST")) throw reason;
    dropDeadLock(lockPath);
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Moves a dead holder's lock aside; of two that try, the rename lets one win, and it looks again at what it moved. */
function dropDeadLock(lockPath: string): void {
  if (!isHeldByDead(lockPath)) return;
  const aside = `${lockPath}.${process.pid}.dead`;
  try {
    renameSync(lockPath, aside);
    // Between the look and the move a living process may have taken the name: give it back.
    if (!isHeldByDead(aside)) linkSync(aside, lockPath);
  } catch (reason) {
    if (!hasCode(reason, "ENOENT") && !hasCode(reason, "EEXIST")) throw reason;
  } finally {
    rmSync(aside, { force: true });
  }
}

function isHeldByDead(lockPath: string): boolean {
  try {
    const pid = Number(readFileSync(lockPath, "utf8"));
    return !Number.isInteger(pid) || pid <= 0 || !isAlive(pid);
  } catch {
    return false;
  }
}

/** True for a process that runs, also one of another user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (reason) {
    return hasCode(reason, "EPERM");
  }
}
