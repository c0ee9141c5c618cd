import type { Database } from "bun:sqlite";
import { placeOf, sequenceOfPlace } from "./log-format.ts";

/** What is known of a chunk without reading its events. */
export interface ChunkHead {
  readonly sequence: number;
  readonly count: number;
  readonly id_count: number;
  readonly bytes: number;
  readonly arrived_at_ms: number;
}

export interface NewChunk {
  readonly topicId: number;
  readonly sequence: number;
  readonly count: number;
  /** Events with an id that their publisher gave. */
  readonly idCount: number;
  /** Ids, metadata and payloads. */
  readonly bytes: number;
  readonly arrivedAtMs: number;
  readonly events: Uint8Array;
}

/** Chunks and the ids that publishers gave, inside the writer. */
export class LogChunkTable {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#statements = prepare(database);
  }

  add(chunk: NewChunk): void {
    const { topicId, sequence, count, idCount, bytes, arrivedAtMs, events } = chunk;
    this.#statements.add.run(topicId, sequence, count, idCount, bytes, arrivedAtMs, Bun.hash.crc32(events), events);
  }

  /** The chunk that holds a place which the topic has. */
  head(topicId: number, sequence: number): ChunkHead | undefined {
    return this.#statements.head.get(topicId, sequence) ?? undefined;
  }

  events(topicId: number, chunkSequence: number): Uint8Array | undefined {
    return this.#statements.events.get(topicId, chunkSequence)?.events;
  }

  /** Removes the chunks that begin in a range of places, both ends included. */
  removeChunks(topicId: number, from: number, to: number): void {
    this.#statements.removeChunks.run(topicId, from, to);
  }

  /** The place of an id, which is noted for `sequence` when it is new: undefined then. */
  claimId(topicId: number, id: string, sequence: number): number | undefined {
    if (this.#statements.addId.run(topicId, id, sequence).changes > 0) return undefined;
    return this.#statements.findId.get(topicId, id)?.sequence;
  }

  removeId(topicId: number, id: string): void {
    this.#statements.removeId.run(topicId, id);
  }

  close(): void {
    for (const statement of Object.values(this.#statements)) statement.finalize();
  }
}

type AddValues = [number, number, number, number, number, number, number, Uint8Array];

function prepare(database: Database) {
  return {
    add: database.prepare<unknown, AddValues>(
      `INSERT INTO chunk (place, count, id_count, bytes, arrived_at_ms, checksum, events)
       VALUES (${placeOf("?1", "?2")}, ?3, ?4, ?5, ?6, ?7, ?8)`,
    ),
    head: database.prepare<ChunkHead, [number, number]>(
      `SELECT ${sequenceOfPlace} AS sequence, count, id_count, bytes, arrived_at_ms FROM chunk
       WHERE place <= ${placeOf("?1", "?2")} ORDER BY place DESC LIMIT 1`,
    ),
    events: database.prepare<{ events: Uint8Array }, [number, number]>(
      `SELECT events FROM chunk WHERE place = ${placeOf("?1", "?2")}`,
    ),
    removeChunks: database.prepare<unknown, [number, number, number]>(
      `DELETE FROM chunk WHERE place BETWEEN ${placeOf("?1", "?2")} AND ${placeOf("?1", "?3")}`,
    ),
    addId: database.prepare<unknown, [number, string, number]>("INSERT OR IGNORE INTO event_id VALUES (?, ?, ?)"),
    findId: database.prepare<{ sequence: number }, [number, string]>(
      "SELECT sequence FROM event_id WHERE topic_id = ? AND id = ?",
    ),
    removeId: database.prepare<unknown, [number, string]>("DELETE FROM event_id WHERE topic_id = ? AND id = ?"),
  };
}
