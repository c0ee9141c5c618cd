import type { Database, Statement } from "bun:sqlite";
import type { StoreRecord, StoreScope } from "#interface/store.ts";
import type { CheckedQuery } from "./check-query.ts";
import { ReadTurn } from "./read-turn.ts";

interface RecordRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly metadata: string | null;
  readonly expires_at_ms: number | null;
  readonly revision: number;
}

type SelectValues = Record<string, number | Uint8Array>;

const isLive = "(expires_at_ms IS NULL OR expires_at_ms > $nowMs)";

/** Reads a store file, through a connection of `openSqliteReader`. Each read sees everything that was acknowledged before it. */
export class SqliteReader {
  readonly #database: Database;
  readonly #turn: ReadTurn;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #selects = new Map<string, Statement<unknown, [SelectValues]>>();
  readonly #scopeIds = new Map<string, number>();
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(database: Database) {
    this.#database = database;
    this.#turn = new ReadTurn(database);
    this.#statements = prepare(database);
  }

  read(scope: StoreScope, key: { text: string; bytes: Uint8Array }, nowMs: number): StoreRecord | undefined {
    const scopeId = this.#scopeId(scope);
    if (scopeId === undefined) return undefined;
    this.#turn.open();
    const row = this.#statements.read.get(scopeId, key.bytes, nowMs);
    return row === null ? undefined : toRecord(row, key.text);
  }

  list(scope: StoreScope, query: CheckedQuery, nowMs: number): StoreRecord[] {
    const rows = this.#select<RecordRow>("key, value, metadata, expires_at_ms, revision", { scope, query, nowMs });
    return rows.map((row) => toRecord(row, this.#decoder.decode(row.key)));
  }

  keys(scope: StoreScope, query: CheckedQuery, nowMs: number): string[] {
    const rows = this.#select<Pick<RecordRow, "key">>("key", { scope, query, nowMs });
    return rows.map((row) => this.#decoder.decode(row.key));
  }

  databases(nowMs: number): string[] {
    return this.#statements.databases.all({ nowMs }).map((row) => row.name);
  }

  tables(database: string, nowMs: number): string[] {
    return this.#statements.tables.all({ database, nowMs }).map((row) => row.name);
  }

  close(): void {
    this.#turn.close();
    // SQLite keeps a connection open, behind the scenes, as long as it has statements.
    for (const statement of [...Object.values(this.#statements), ...this.#selects.values()]) statement.finalize();
    this.#database.close();
  }

  #select<Row>(columns: string, request: { scope: StoreScope; query: CheckedQuery; nowMs: number }): Row[] {
    const { suffix, limit, offset, order } = request.query;
    const scopeId = this.#scopeId(request.scope);
    if (scopeId === undefined) return [];
    const values: SelectValues = {
      scopeId,
      nowMs: request.nowMs,
      limit: limit === 0 ? -1 : limit,
      offset,
    };
    let filter = "scope_id = $scopeId";
    const { from, isBehind, before } = this.#range(request.query);
    if (from !== undefined) {
      filter += isBehind ? " AND key > $from" : " AND key >= $from";
      values["from"] = from;
    }
    if (before !== undefined) {
      filter += " AND key < $before";
      values["before"] = before;
    }
    if (suffix !== "") {
      filter += " AND substr(key, -length($suffix)) = $suffix";
      values["suffix"] = this.#encoder.encode(suffix);
    }
    const text = `SELECT ${columns} FROM record WHERE ${filter} AND ${isLive} ORDER BY key ${order} LIMIT $limit OFFSET $offset`;
    this.#turn.open();
    return this.#prepare<Row>(text).all(values);
  }

  /** One bound a side: of two on the same side SQLite would seek by one and look at every key up to the other. */
  #range({ prefix, order, after }: CheckedQuery): Range {
    const from = prefix === "" ? undefined : this.#encoder.encode(prefix);
    const before = from === undefined ? undefined : nextAfterPrefix(from);
    if (after === undefined) return { from, isBehind: false, before };
    if (order === "desc") {
      return {
        from,
        isBehind: false,
        before: before !== undefined && isLess(before, after.bytes) ? before : after.bytes,
      };
    }
    const isBehind = from === undefined || !isLess(after.bytes, from);
    return { from: isBehind ? after.bytes : from, isBehind, before };
  }

  /** There are 32 texts in all, so every one is kept. */
  #prepare<Row>(text: string): Statement<Row, [SelectValues]> {
    const statement = this.#selects.get(text) ?? this.#database.prepare<unknown, [SelectValues]>(text);
    this.#selects.set(text, statement);
    return statement as Statement<Row, [SelectValues]>;
  }

  #scopeId({ database, table }: StoreScope): number | undefined {
    const name = `${database}/${table}`;
    const known = this.#scopeIds.get(name);
    if (known !== undefined) return known;
    const row = this.#statements.scope.get({ database, table });
    if (row === null) return undefined;
    this.#scopeIds.set(name, row.id);
    return row.id;
  }
}

/** Keys from `from`, or behind it, to before `before`. */
interface Range {
  readonly from: Uint8Array | undefined;
  readonly isBehind: boolean;
  readonly before: Uint8Array | undefined;
}

function isLess(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) < 0;
}

function prepare(database: Database) {
  const hasRecords = `EXISTS (SELECT 1 FROM record WHERE scope_id = scope.id AND ${isLive})`;
  return {
    scope: database.prepare<{ id: number }, { database: string; table: string }>(
      "SELECT id FROM scope WHERE database_name = $database AND table_name = $table",
    ),
    read: database.prepare<Omit<RecordRow, "key">, [scopeId: number, key: Uint8Array, nowMs: number]>(
      `SELECT value, metadata, expires_at_ms, revision FROM record
       WHERE scope_id = ? AND key = ? AND (expires_at_ms IS NULL OR expires_at_ms > ?)`,
    ),
    databases: database.prepare<{ name: string }, { nowMs: number }>(
      `SELECT DISTINCT database_name AS name FROM scope WHERE ${hasRecords} ORDER BY name`,
    ),
    tables: database.prepare<{ name: string }, { database: string; nowMs: number }>(
      `SELECT table_name AS name FROM scope WHERE database_name = $database AND ${hasRecords} ORDER BY name`,
    ),
  };
}

function toRecord(row: Omit<RecordRow, "key">, key: string): StoreRecord {
  return {
    key,
    value: row.value,
    metadata: row.metadata === null ? {} : (JSON.parse(row.metadata) as Readonly<Record<string, string>>),
    revision: row.revision,
    ...(row.expires_at_ms === null ? {} : { expiresAtMs: row.expires_at_ms }),
  };
}

/** The first bytes after everything that begins with `prefix`. UTF-8 has no byte 255, so the last one can always grow. */
function nextAfterPrefix(prefix: Uint8Array): Uint8Array {
  const next = prefix.slice();
  next[next.length - 1] = (next.at(-1) ?? 0) + 1;
  return next;
}
