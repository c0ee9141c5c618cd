/** Where a record lives. Databases are tenants, tables are a tenant's drawers. */
export interface StoreScope {
  readonly database: string;
  readonly table: string;
}

export interface StoreRecord {
  readonly key: string;
  readonly value: Uint8Array;
  /** Small facts beside the value. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch; absent: never. An expired record is not seen by any read. */
  readonly expiresAtMs?: number;
  /** Grows with every write to the store; a record's own is that of its last write. */
  readonly revision: number;
}

/**
 * One change of a batch; a batch names each record at most once. `expectedRevision` makes it conditional: the record must have exactly that revision, 0 meaning that it must
 * not exist; otherwise the whole batch is refused. A check changes nothing: it only makes the others conditional.
 */
export type StoreChange =
  | {
      readonly kind: "put";
      readonly scope: StoreScope;
      readonly key: string;
      readonly value: Uint8Array;
      readonly metadata?: Readonly<Record<string, string>>;
      readonly expiresAtMs?: number;
      readonly expectedRevision?: number;
    }
  | { readonly kind: "delete"; readonly scope: StoreScope; readonly key: string; readonly expectedRevision?: number }
  | { readonly kind: "check"; readonly scope: StoreScope; readonly key: string; readonly expectedRevision: number };

export interface StoreQuery {
  readonly prefix?: string;
  readonly suffix?: string;
  /** At most this many; 0 or absent: all. */
  readonly limit?: number;
  /** Skipped first, in the order asked for. */
  readonly offset?: number;
  /** By key, bytewise. @default "asc" */
  readonly order?: "asc" | "desc";
  /** Begin behind this key, in the order asked for: with `limit`, the next page. */
  readonly after?: string;
}

/**
 * Records by key. What `write` acknowledged is on disk: it survives the death of the process and of the machine.
 */
export interface Store {
  read(scope: StoreScope, key: string): Promise<StoreRecord | undefined>;
  list(scope: StoreScope, query?: StoreQuery): Promise<readonly StoreRecord[]>;
  keys(scope: StoreScope, query?: StoreQuery): Promise<readonly string[]>;
  /**
   * Applies all changes or none, and answers when they are on disk with the revision that they got.
   * Deleting what is not there is no failure.
   *
   * @throws MicroError `conflict` when an expected revision does not hold, `invalid_argument` for a bad key or name,
   * `unavailable` when the disk refuses.
   */
  write(changes: readonly StoreChange[]): Promise<number>;
  databases(): Promise<readonly string[]>;
  tables(database: string): Promise<readonly string[]>;
}
