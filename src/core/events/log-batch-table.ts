import type { Database } from "bun:sqlite";
import type { BatchNumber } from "#interface/events.ts";
import { isNextBatch, slotOf } from "./batch-order.ts";
import { decodePlaces, encodePlaces } from "./event-places.ts";
import type { EventPlaces } from "./log-message.ts";

/** Expired answers that are removed at once. */
const removedAtOnce = 2_000;

/** The last batches of publishers and where their events went, inside the writer. */
export class LogBatchTable {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#statements = prepare(database);
  }

  /**
   * The places of the events of a batch that was appended before; undefined for the next batch of its publisher.
   *
   * @throws MicroError as `Events.publishBatch`
   */
  findPlaces(namespace: string, batch: BatchNumber): EventPlaces | undefined {
    const { number, publisher } = batch;
    const isNext = isNextBatch(batch, (slot) => this.#statements.number.get(namespace, publisher, slot)?.number);
    if (isNext) return undefined;
    const row = this.#statements.sequences.get(namespace, publisher, slotOf(number));
    return row === null ? undefined : decodePlaces(row.sequences);
  }

  /** Keeps the places of the events of a batch. */
  keep(namespace: string, { publisher, number }: BatchNumber, kept: { places: EventPlaces; nowMs: number }): void {
    this.#statements.put.run(namespace, publisher, slotOf(number), number, kept.nowMs, encodePlaces(kept.places));
  }

  /** True when something was kept before this time. */
  hasOlder(keptBeforeMs: number): boolean {
    return this.#statements.older.get(keptBeforeMs) !== null;
  }

  /** Removes some of what was kept before this time; true when there may be more. */
  removeOlder(keptBeforeMs: number): boolean {
    return this.#statements.remove.run(keptBeforeMs).changes >= removedAtOnce;
  }

  close(): void {
    for (const statement of Object.values(this.#statements)) statement.finalize();
  }
}

type PutValues = [string, string, number, number, number, Uint8Array];

function prepare(database: Database) {
  return {
    number: database.prepare<{ number: number }, [string, string, number]>(
      "SELECT number FROM publisher_batch WHERE namespace = ? AND publisher = ? AND slot = ?",
    ),
    sequences: database.prepare<{ sequences: Uint8Array }, [string, string, number]>(
      "SELECT sequences FROM publisher_batch WHERE namespace = ? AND publisher = ? AND slot = ?",
    ),
    put: database.prepare<unknown, PutValues>("INSERT OR REPLACE INTO publisher_batch VALUES (?, ?, ?, ?, ?, ?)"),
    older: database.prepare<unknown, [number]>("SELECT 1 FROM publisher_batch WHERE saved_at_ms < ? LIMIT 1"),
    remove: database.prepare<unknown, [number]>(
      `DELETE FROM publisher_batch WHERE (namespace, publisher, slot) IN (
         SELECT namespace, publisher, slot FROM publisher_batch WHERE saved_at_ms < ? LIMIT ${removedAtOnce}
       )`,
    ),
  };
}
