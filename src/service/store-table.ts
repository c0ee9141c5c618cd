import type { StoreQuery, StoreRecord } from "#interface/store.ts";

/** What a record holds; text is kept as its UTF-8. */
export type StoreValue = Uint8Array | string;

export interface WriteOptions {
  /** Small facts beside the value. @default none */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How long the record lives from now, in milliseconds, by the clock of the server. @default for ever */
  readonly expiresInMs?: number;
  /** Instead of `expiresInMs`: when it ends, in milliseconds since the epoch. */
  readonly expiresAtMs?: number;
  /** Write only if the record still has this revision; 0: only if there is none. @default always */
  readonly expectedRevision?: number;
}

/** One step of a batch. A `check` changes nothing: it makes the other steps depend on the revision of its record. */
export type StoreStep =
  | ({ readonly kind: "write"; readonly key: string; readonly value: StoreValue } & WriteOptions)
  | { readonly kind: "delete"; readonly key: string; readonly expectedRevision?: number }
  | { readonly kind: "check"; readonly key: string; readonly expectedRevision: number };

/**
 * One table of the store. What is acknowledged is on the disk of the server.
 *
 * Every method throws MicroError: `invalid_argument` for a bad name, key or number, `payload_too_large` above the limits,
 * `permission_denied` in a database of others, `unavailable` when the store cannot be reached, `too_many_requests` when
 * more waits than memory allows.
 */
export interface StoreTable {
  readonly database: string;
  readonly table: string;

  /** The record of a key; undefined when there is none, or when it has expired. */
  read(key: string): Promise<StoreRecord | undefined>;
  /** The value of a key as text. */
  readText(key: string): Promise<string | undefined>;
  /**
   * The value of a key as JSON; `T` is what the caller says that it is, and nothing checks it.
   *
   * @throws MicroError `failed_precondition` when the value is not JSON.
   */
  readJson<T = unknown>(key: string): Promise<T | undefined>;

  /**
   * Writes a record and gives its revision.
   *
   * @throws MicroError `conflict` when `expectedRevision` does not hold: somebody else was first.
   */
  write(key: string, value: StoreValue, options?: WriteOptions): Promise<number>;
  /** The same with a value as JSON. @throws MicroError `invalid_argument` for what JSON cannot say. */
  writeJson(key: string, value: unknown, options?: WriteOptions): Promise<number>;
  /** Removes a record; a missing one is no failure, unless `expectedRevision` is given. @throws MicroError `conflict` */
  delete(key: string, options?: { readonly expectedRevision?: number }): Promise<void>;
  /**
   * Does all steps or none, and gives the revision of the records that were written. A batch names each record once.
   *
   * @throws MicroError `conflict` when an expected revision does not hold.
   */
  batch(steps: readonly StoreStep[]): Promise<number>;

  /** The keys that match, in order. */
  keys(query?: StoreQuery): Promise<readonly string[]>;
  /** The records that match, in order, all in memory. */
  list(query?: StoreQuery): Promise<readonly StoreRecord[]>;
  /**
   * The records that match, in order, fetched in pages as the loop goes on: for more than fits into memory. Sees what is
   * there all the time exactly once; what is written meanwhile, perhaps.
   */
  records(query?: StoreQuery): AsyncIterable<StoreRecord>;

  /** Names of the tables of this database. */
  tables(): Promise<readonly string[]>;
  /** Another table of this database, over the same calls. */
  withTable(name: string): StoreTable;
}
