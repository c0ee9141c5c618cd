import type { Database } from "bun:sqlite";
import type { FileWriter } from "#sqlite/serve-writer.ts";
import { Transaction } from "#sqlite/transaction.ts";
import { unpackGroup, type PackedChange, type PackedGroup } from "./write-group.ts";
import type { RefusedBatch, WriterReply, WriterRequest } from "./writer-message.ts";

interface Outcome {
  readonly baseRevision: number;
  readonly refused: readonly RefusedBatch[];
}

/**
 * Writes groups of batches, one durable commit a group. All conditions of a batch are checked before its first change is
 * made, so that a refused batch leaves no trace and does not hold up the others.
 */
export class GroupWriter implements FileWriter<WriterRequest, WriterReply> {
  readonly #database: Database;
  readonly #transaction: Transaction;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #scopeIds = new Map<string, number>();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #revision: number;

  constructor(database: Database) {
    this.#database = database;
    this.#transaction = new Transaction(database);
    this.#statements = prepare(database);
    this.#revision = this.#statements.readCounter.get()?.revision ?? 0;
  }

  answer(request: WriterRequest, bytes: Uint8Array): WriterReply {
    if (request.kind === "commit") return { kind: "committed", ...this.#commit(request.group, bytes, request.nowMs) };
    return { kind: "purged", count: this.#purge(request.countMax, request.nowMs) };
  }

  /** Commits the group. Whatever it throws, nothing of the group was written. */
  #commit(group: PackedGroup, bytes: Uint8Array, nowMs: number): Outcome {
    return this.#inTransaction(() => {
      const baseRevision = this.#revision;
      const refused: RefusedBatch[] = [];
      const scopeIds = group.scopes.map(([database, table]) => this.#scopeId(database, table));
      let batch = 0;
      for (const changes of unpackGroup(group, bytes)) {
        const conflict = this.#findConflict(changes, scopeIds, nowMs);
        if (conflict === undefined) this.#apply(changes, scopeIds, baseRevision + batch + 1);
        else refused.push({ batch, ...conflict });
        batch += 1;
      }
      this.#revision = baseRevision + batch;
      this.#statements.writeCounter.run(this.#revision);
      return { baseRevision, refused };
    });
  }

  /** Removes expired records, at most `countMax`, and says how many. */
  #purge(countMax: number, nowMs: number): number {
    // Looking first: an empty commit would still wait for the disk.
    if (this.#statements.findExpired.get(nowMs) === null) return 0;
    return this.#inTransaction(() => this.#statements.purge.run(nowMs, countMax).changes);
  }

  /** Closes the file. The last connection that closes moves the log into it. */
  close(): void {
    // SQLite keeps a connection open, behind the scenes, as long as it has statements.
    this.#transaction.finalize();
    for (const statement of Object.values(this.#statements)) statement.finalize();
    this.#database.close();
  }

  #inTransaction<T>(work: () => T): T {
    const revisionBefore = this.#revision;
    try {
      return this.#transaction.run(work);
    } catch (reason) {
      this.#revision = revisionBefore;
      this.#scopeIds.clear();
      throw reason;
    }
  }

  #findConflict(
    changes: readonly PackedChange[],
    scopeIds: readonly number[],
    nowMs: number,
  ): Omit<RefusedBatch, "batch"> | undefined {
    for (const { scopeIndex, key, expectedRevision } of changes) {
      if (expectedRevision === undefined) continue;
      const revision = this.#statements.readRevision.get(scopeIds[scopeIndex] ?? 0, key, nowMs)?.revision ?? 0;
      if (revision !== expectedRevision) return { key: this.#decoder.decode(key), expectedRevision, revision };
    }
    return undefined;
  }

  /** @param scopeIds by scope index */
  #apply(changes: readonly PackedChange[], scopeIds: readonly number[], revision: number): void {
    for (const change of changes) {
      const scopeId = scopeIds[change.scopeIndex] ?? 0;
      if (change.kind === "check") continue;
      if (change.kind === "delete") {
        this.#statements.remove.run(scopeId, change.key);
        continue;
      }
      const metadata = change.metadata.length === 0 ? null : this.#decoder.decode(change.metadata);
      this.#statements.put.run(scopeId, change.key, change.value, metadata, change.expiresAtMs, revision);
    }
  }

  #scopeId(database: string, table: string): number {
    const name = `${database}/${table}`;
    const known = this.#scopeIds.get(name);
    if (known !== undefined) return known;
    const found = this.#statements.readScope.get(database, table);
    const id = found?.id ?? Number(this.#statements.addScope.run(database, table).lastInsertRowid);
    this.#scopeIds.set(name, id);
    return id;
  }
}

type Bytes = Uint8Array;

function prepare(database: Database) {
  return {
    readCounter: database.prepare<{ revision: number }, []>("SELECT revision FROM counter"),
    writeCounter: database.prepare<unknown, [number]>("UPDATE counter SET revision = ?"),
    readScope: database.prepare<{ id: number }, [string, string]>(
      "SELECT id FROM scope WHERE database_name = ? AND table_name = ?",
    ),
    addScope: database.prepare<unknown, [string, string]>(
      "INSERT INTO scope (database_name, table_name) VALUES (?, ?)",
    ),
    readRevision: database.prepare<{ revision: number }, [number, Bytes, number]>(
      "SELECT revision FROM record WHERE scope_id = ? AND key = ? AND (expires_at_ms IS NULL OR expires_at_ms > ?)",
    ),
    put: database.prepare<unknown, [number, Bytes, Bytes, string | null, number | null, number]>(
      `INSERT INTO record (scope_id, key, value, metadata, expires_at_ms, revision) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (scope_id, key) DO UPDATE SET value = excluded.value, metadata = excluded.metadata,
       expires_at_ms = excluded.expires_at_ms, revision = excluded.revision`,
    ),
    remove: database.prepare<unknown, [number, Bytes]>("DELETE FROM record WHERE scope_id = ? AND key = ?"),
    findExpired: database.prepare<unknown, [number]>("SELECT 1 FROM record WHERE expires_at_ms <= ? LIMIT 1"),
    purge: database.prepare<unknown, [number, number]>(
      "DELETE FROM record WHERE rowid IN (SELECT rowid FROM record WHERE expires_at_ms <= ? LIMIT ?)",
    ),
  };
}
