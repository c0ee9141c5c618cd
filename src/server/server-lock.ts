import { Database } from "bun:sqlite";
import { MicroError } from "#base/error.ts";

/** Held for as long as the process lives. */
export interface ServerLock {
  release(): void;
}

/**
 * Makes this process the only server on a home. The lock is SQLite's exclusive lock on a small file, because the system
 * takes that back from a process that was killed: there is no stale lock to judge.
 *
 * @throws MicroError `conflict` when another server holds it.
 */
export function acquireServerLock(lockFile: string, home: string): ServerLock {
  const database = new Database(lockFile, { create: true });
  try {
    database.run("PRAGMA journal_mode = MEMORY");
    database.run("PRAGMA synchronous = OFF");
    database.run("BEGIN EXCLUSIVE");
  } catch (reason) {
    database.close();
    throw new MicroError(
      "conflict",
      `another micro server is running on ${home}; stop it, or set MICRO_HOME to another folder`,
      {
        cause: reason,
      },
    );
  }
  return { release: () => database.close() };
}
