import { Database } from "bun:sqlite";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { fromSqliteError } from "./sqlite-error.ts";

/**
 * What each version of the file adds to the one before it; the version is in `user_version`. Steps are only ever added.
 *
 * Records have a rowid and a separate index because big values in an index (`WITHOUT ROWID`) cost half of the write rate.
 * Keys are bytes, so that they compare bytewise and may hold anything.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE scope (
    id INTEGER PRIMARY KEY,
    database_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    UNIQUE (database_name, table_name)
  );
  CREATE TABLE record (
    scope_id INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    metadata TEXT,
    expires_at_ms INTEGER,
    revision INTEGER NOT NULL,
    UNIQUE (scope_id, key)
  );
  CREATE INDEX record_expiry ON record (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
  CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
  INSERT INTO counter (id, revision) VALUES (1, 0);
  `,
];

/** The version that this code reads and writes. */
export const storeFileVersion = migrations.length;

/**
 * Opens a store file, creates or migrates it where needed, and checks it.
 *
 * @throws MicroError `failed_precondition` for a file of a newer version or of something else, `internal` for a damaged one.
 */
export function openStoreFile(path: string): Database {
  let database: Database | undefined;
  try {
    database = new Database(path, { readwrite: true, create: true, strict: true });
    database.run("PRAGMA busy_timeout = 5000");
    database.run("PRAGMA journal_mode = WAL");
    // FULL: the log is on disk before a commit is acknowledged, so that a power cut loses nothing.
    database.run("PRAGMA synchronous = FULL");
    migrate(database, path);
    return database;
  } catch (reason) {
    database?.close();
    throw fromSqliteError(reason, path);
  }
}

/**
 * Reads a small file as a whole and says whether it is sound; a big one is trusted, its pages are checked as they are read.
 *
 * @throws MicroError `internal` for a damaged one.
 */
export function checkStoreFile(database: Database, path: string): void {
  try {
    const size = database.query("SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()");
    const { bytes } = size.get() as { bytes: number };
    if (bytes > limits.storeCheckBytesMax) return;
    const [row] = database.query("PRAGMA quick_check(1)").values();
    if (row?.[0] !== "ok") throw new MicroError("internal", damaged(path, String(row?.[0])));
  } catch (reason) {
    throw fromSqliteError(reason, path);
  }
}

function migrate(database: Database, path: string): void {
  const { user_version: version } = database.query("PRAGMA user_version").get() as { user_version: number };
  if (version === storeFileVersion) return;
  if (version > storeFileVersion) {
    throw new MicroError(
      "failed_precondition",
      `${path} was written by a newer micro (format ${version}, this one knows up to ${storeFileVersion}): update micro`,
    );
  }
  if (version === 0 && database.query("SELECT 1 FROM sqlite_schema LIMIT 1").get() !== null) {
    throw new MicroError("failed_precondition", `${path} is a database of something else, not a store of micro`);
  }
  database.transaction(() => {
    for (const step of migrations.slice(version)) database.run(step);
    database.run(`PRAGMA user_version = ${storeFileVersion}`);
  })();
}

function damaged(path: string, detail: string): string {
  return `the store file ${path} is damaged (${detail}): restore it from a backup; nothing was changed`;
}
