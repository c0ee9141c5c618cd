import { systemClock, type Clock } from "#base/clock.ts";
import { requireName } from "#base/name.ts";
import type { Store, StoreChange, StoreQuery, StoreRecord, StoreScope } from "#interface/store.ts";
import { checkChanges, checkKey, checkScope, type CheckedChange } from "./check-change.ts";
import { checkQuery } from "./check-query.ts";
import { createConflict } from "./conflict.ts";

/**
 * A store that lives and dies with the process: for tests, and as the plainest reading of the interface. Expired
 * records stay in memory until they are overwritten.
 */
export class MemoryStore implements Store {
  readonly #clock: Clock;
  readonly #databases = new Map<string, Map<string, Map<string, StoreRecord>>>();
  #revision = 0;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  async read(scope: StoreScope, key: string): Promise<StoreRecord | undefined> {
    checkKey(key);
    const record = this.#live(checkScope(scope), key);
    return record === undefined ? undefined : copyRecord(record);
  }

  async list(scope: StoreScope, query?: StoreQuery): Promise<readonly StoreRecord[]> {
    return this.#select(scope, query).map(copyRecord);
  }

  async keys(scope: StoreScope, query?: StoreQuery): Promise<readonly string[]> {
    return this.#select(scope, query).map((record) => record.key);
  }

  async write(changes: readonly StoreChange[]): Promise<number> {
    const checked = checkChanges(changes);
    for (const { scope, keyText, expectedRevision } of checked) {
      if (expectedRevision === undefined) continue;
      const revision = this.#live(scope, keyText)?.revision ?? 0;
      if (revision !== expectedRevision) throw createConflict(keyText, expectedRevision, revision);
    }
    this.#revision += 1;
    for (const change of checked) this.#apply(change);
    return this.#revision;
  }

  async databases(): Promise<readonly string[]> {
    return [...this.#databases.keys()].filter((name) => this.#tables(name).length > 0).sort();
  }

  async tables(database: string): Promise<readonly string[]> {
    requireName("database", database);
    return this.#tables(database).sort();
  }

  #tables(database: string): string[] {
    const nowMs = this.#clock.now();
    const tables = [...(this.#databases.get(database) ?? [])];
    return tables
      .filter(([, records]) => [...records.values()].some((each) => isLive(each, nowMs)))
      .map(([name]) => name);
  }

  #live(scope: StoreScope, key: string): StoreRecord | undefined {
    const record = this.#databases.get(scope.database)?.get(scope.table)?.get(key);
    return record !== undefined && isLive(record, this.#clock.now()) ? record : undefined;
  }

  #select(scope: StoreScope, query: StoreQuery | undefined): StoreRecord[] {
    const { prefix, suffix, limit, offset, order, after } = checkQuery(query);
    const nowMs = this.#clock.now();
    const records = this.#databases.get(checkScope(scope).database)?.get(scope.table)?.values() ?? [];
    const direction = order === "asc" ? 1 : -1;
    const compare = (left: Uint8Array, right: Uint8Array): number => direction * Buffer.compare(left, right);
    const found = [...records]
      .filter(
        ({ key }) =>
          key.startsWith(prefix) &&
          key.endsWith(suffix) &&
          (after === undefined || compare(Buffer.from(key), after.bytes) > 0),
      )
      .filter((each) => isLive(each, nowMs));
    found.sort((left, right) => compare(Buffer.from(left.key), Buffer.from(right.key)));
    return found.slice(offset, limit === 0 ? undefined : offset + limit);
  }

  #apply(change: CheckedChange): void {
    if (change.kind === "check") return;
    const { database, table } = change.scope;
    const tables = this.#databases.get(database) ?? new Map<string, Map<string, StoreRecord>>();
    const records = tables.get(table) ?? new Map<string, StoreRecord>();
    this.#databases.set(database, tables.set(table, records));
    if (change.kind === "delete") records.delete(change.keyText);
    else records.set(change.keyText, toRecord(change, this.#revision));
  }
}

function toRecord(change: CheckedChange, revision: number): StoreRecord {
  const metadata =
    change.metadata.length === 0
      ? {}
      : (JSON.parse(new TextDecoder().decode(change.metadata)) as Readonly<Record<string, string>>);
  const expiry = change.expiresAtMs === undefined ? {} : { expiresAtMs: change.expiresAtMs };
  return { key: change.keyText, value: change.value.slice(), metadata, revision, ...expiry };
}

/** The caller owns what it gets: changing it must not change the store. */
function copyRecord(record: StoreRecord): StoreRecord {
  return { ...record, value: record.value.slice(), metadata: { ...record.metadata } };
}

function isLive(record: StoreRecord, nowMs: number): boolean {
  return record.expiresAtMs === undefined || record.expiresAtMs > nowMs;
}
