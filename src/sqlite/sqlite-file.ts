import { Database } from "bun:sqlite";
import { chmod, mkdir, open } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { KiB, limits } from "#base/limits.ts";
import { damagedFile, fromSqliteError } from "./sqlite-error.ts";
import type { SqliteFormat } from "./sqlite-format.ts";

/**
 * Makes the folder, mode 0700, and an empty file in it, mode 0600, where they are missing. SQLite gives its side files the
 * mode of the file itself, so that setting it once is enough.
 *
 * @throws MicroError `unavailable`
 */
export async function createSqliteFile(path: string, format: SqliteFormat): Promise<void> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    const file = await open(path, "a", 0o600);
    await file.close();
  } catch (reason) {
    throw MicroError.from(reason, { code: "unavailable", at: format.at });
  }
}

/**
 * Opens a file and creates or migrates what is in it where needed.
 *
 * @throws MicroError `failed_precondition` for a file of a newer version or of something else, `internal` for a damaged one,
 * `unavailable` when it cannot be used.
 */
export function openSqliteFile(path: string, format: SqliteFormat): Database {
  let database: Database | undefined;
  try {
    database = new Database(path, { readwrite: true, create: true, strict: true });
    database.run("PRAGMA busy_timeout = 5000");
    database.run("PRAGMA journal_mode = WAL");
    // FULL: the log is on disk before a commit is acknowledged, so that a power cut loses nothing.
    database.run("PRAGMA synchronous = FULL");
    database.run(`PRAGMA journal_size_limit = ${limits.sqliteLogBytesMax}`);
    // A negative number is in KiB, another would be in pages.
    if (format.cacheBytesMax !== undefined) database.run(`PRAGMA cache_size = -${format.cacheBytesMax / KiB}`);
    // Commits move a log only that has grown far beyond what a `Checkpointer` leaves of it.
    if (format.logPageCount !== undefined) database.run(`PRAGMA wal_autocheckpoint = ${2 * format.logPageCount}`);
    migrate(database, path, format);
    return database;
  } catch (reason) {
    database?.close();
    throw fromSqliteError(reason, path, format);
  }
}

/**
 * The same through a connection that cannot write, after a look at whether the file is sound. Reads through it see
 * everything that was committed before them and never wait for a write.
 *
 * @throws MicroError as `openSqliteFile`.
 */
export function openSqliteReader(path: string, format: SqliteFormat): Database {
  const database = openSqliteFile(path, format);
  try {
    checkSqliteFile(database, path, format);
    database.run("PRAGMA query_only = ON");
    return database;
  } catch (reason) {
    database.close();
    throw fromSqliteError(reason, path, format);
  }
}

/**
 * Reads a small file as a whole and says whether it is sound; a big one is trusted, its pages are checked as they are read.
 *
 * @throws MicroError `internal` for a damaged one.
 */
export function checkSqliteFile(database: Database, path: string, format: Omit<SqliteFormat, "migrations">): void {
  try {
    const size = "SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()";
    const { bytes } = database.query(size).get() as { bytes: number };
    if (bytes > format.checkBytesMax) return;
    const [row] = database.query("PRAGMA quick_check(1)").values();
    if (row?.[0] !== "ok") throw damagedFile(path, format, { detail: String(row?.[0]) });
  } catch (reason) {
    throw fromSqliteError(reason, path, format);
  }
}

function migrate(database: Database, path: string, { at, what, migrations }: SqliteFormat): void {
  const { user_version: version } = database.query("PRAGMA user_version").get() as { user_version: number };
  const newest = migrations.length;
  if (version === newest) return;
  if (version > newest) {
    throw new MicroError(
      "failed_precondition",
      `${path} was written by a newer micro (format ${version}, this one knows up to ${newest}): update micro`,
      { at },
    );
  }
  if (version === 0 && database.query("SELECT 1 FROM sqlite_schema LIMIT 1").get() !== null) {
    const detail = `${path} is a database of something else, not the ${what} of micro`;
    throw new MicroError("failed_precondition", detail, { at });
  }
  database.transaction(() => {
    for (const step of migrations.slice(version)) database.run(step);
    database.run(`PRAGMA user_version = ${newest}`);
  })();
}
