import { systemClock, type Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { repeat, type Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import { requireName } from "#base/name.ts";
import type { BackupPart } from "#interface/backup.ts";
import type { Store, StoreChange, StoreQuery, StoreRecord, StoreScope } from "#interface/store.ts";
import { copySqliteFile } from "#sqlite/copy-sqlite-file.ts";
import { fromSqliteError } from "#sqlite/sqlite-error.ts";
import { createSqliteFile, openSqliteReader } from "#sqlite/sqlite-file.ts";
import { checkChanges, checkKey, checkScope } from "./check-change.ts";
import { checkQuery } from "./check-query.ts";
import { SqliteReader } from "./sqlite-reader.ts";
import { StoreCommit } from "./store-commit.ts";
import { storeFormat } from "./store-format.ts";

export interface SqliteStoreOptions {
  /** Where `store.db` lies; made, readable by its owner only, where it is missing. */
  readonly folder: string;
  /** @default systemClock */
  readonly clock?: Clock;
}

interface SqliteStoreParts {
  readonly path: string;
  readonly clock: Clock;
  readonly reader: SqliteReader;
  readonly commit: StoreCommit;
}

/**
 * The embedded store: one SQLite file, one writer in a thread of its own that commits together what has gathered, and
 * reads on the calling thread that never wait for a write.
 */
export class SqliteStore implements Store, BackupPart {
  readonly name = "store";
  readonly #parts: SqliteStoreParts;
  readonly #purge: Stoppable;
  #closing: Promise<void> | undefined;

  private constructor(parts: SqliteStoreParts) {
    this.#parts = parts;
    const intervalMs = limits.storePurgeIntervalMs;
    this.#purge = repeat({ intervalMs, onError: () => undefined }, () =>
      parts.commit.purge(() => this.#closing !== undefined),
    );
  }

  /**
   * @throws MicroError `failed_precondition` for a file of a newer version or of something else, `internal` for a damaged
   * one, `unavailable` when the folder or the file cannot be used.
   */
  static async open(options: SqliteStoreOptions): Promise<SqliteStore> {
    const { folder, clock = systemClock } = options;
    const path = `${folder}/store.db`;
    await createSqliteFile(path, storeFormat);
    const reader = new SqliteReader(openSqliteReader(path, storeFormat));
    try {
      return new SqliteStore({ path, clock, reader, commit: await StoreCommit.open(path, clock) });
    } catch (reason) {
      reader.close();
      throw fromSqliteError(reason, path, storeFormat);
    }
  }

  async read(scope: StoreScope, key: string): Promise<StoreRecord | undefined> {
    const bytes = checkKey(key);
    checkScope(scope);
    return this.#read((reader, nowMs) => reader.read(scope, { text: key, bytes }, nowMs));
  }

  async list(scope: StoreScope, query?: StoreQuery): Promise<readonly StoreRecord[]> {
    const checked = checkQuery(query);
    checkScope(scope);
    return this.#read((reader, nowMs) => reader.list(scope, checked, nowMs));
  }

  async keys(scope: StoreScope, query?: StoreQuery): Promise<readonly string[]> {
    const checked = checkQuery(query);
    checkScope(scope);
    return this.#read((reader, nowMs) => reader.keys(scope, checked, nowMs));
  }

  async write(changes: readonly StoreChange[]): Promise<number> {
    return this.#parts.commit.write(checkChanges(changes));
  }

  async databases(): Promise<readonly string[]> {
    return this.#read((reader, nowMs) => reader.databases(nowMs));
  }

  async tables(database: string): Promise<readonly string[]> {
    requireName("database", database);
    return this.#read((reader, nowMs) => reader.tables(database, nowMs));
  }

  /** Writes `store.db` into a folder that exists, as it is at one moment; reads and writes go on meanwhile. */
  async copyTo(folder: string): Promise<void> {
    if (this.#closing !== undefined) throw new MicroError("unavailable", "the store is closed", { at: "store" });
    await copySqliteFile({ path: this.#parts.path, target: `${folder}/store.db`, format: storeFormat });
  }

  /** Answers the writes that were taken, then closes the file. Later calls are refused with `unavailable`. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#purge.stop();
    // The reader goes first, so that the writer is the last one and moves the log into the file, off this thread.
    this.#parts.reader.close();
    await this.#parts.commit.close();
  }

  #read<T>(work: (reader: SqliteReader, nowMs: number) => T): T {
    if (this.#closing !== undefined) throw new MicroError("unavailable", "the store is closed", { at: "store" });
    try {
      return work(this.#parts.reader, this.#parts.clock.now());
    } catch (reason) {
      throw fromSqliteError(reason, this.#parts.path, storeFormat);
    }
  }
}
