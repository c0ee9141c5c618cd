import { limits } from "#base/limits.ts";
import type { SqliteFormat } from "#sqlite/sqlite-format.ts";

/**
 * The file of a store.
 *
 * Records have a rowid and a separate index because big values in an index (`WITHOUT ROWID`) cost half of the write rate.
 * Keys are bytes, so that they compare bytewise and may hold anything.
 */
export const storeFormat: SqliteFormat = {
  at: "store",
  what: "store",
  checkBytesMax: limits.storeCheckBytesMax,
  cacheBytesMax: limits.storeCacheBytesMax,
  logPageCount: limits.storeLogPageCount,
  migrations: [
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
  ],
};
