import type { Database } from "bun:sqlite";
import { MicroError } from "#base/error.ts";
import type { StoredEvent, TopicKey, TopicState } from "#interface/events.ts";
import type { GroupKey, GroupPlace } from "./event-log.ts";
import { ChunkReader, type KeptChunk, type KeptTopic } from "./log-chunk-reader.ts";
import { placeOf, sequenceOfPlace } from "./log-format.ts";
import { decodePlace } from "./log-place.ts";
import { toRetention } from "./log-topic-table.ts";

interface TopicRow {
  readonly id: number;
  readonly name: string;
  readonly id_prefix: string;
  readonly first_sequence: number;
  readonly last_sequence: number;
  readonly trim_to: number;
  readonly bytes: number;
  readonly retention_age_ms: number | null;
  readonly retention_bytes: number | null;
  readonly retention_count: number | null;
}

/** Chunks fetched at once, at most: it bounds what is read for nothing when they are bigger than those before them. */
const chunksAtOnceMax = 128;

/** Reads the file of an event log, through a connection of `openSqliteReader`; each read sees what was acknowledged before it. */
export class LogReader {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepare(database);
  }

  read(
    key: TopicKey,
    from: { readonly sequence: number; readonly countMax: number; readonly bytesMax: number },
  ): StoredEvent[] {
    const topic = this.#find(key);
    const events: StoredEvent[] = [];
    if (topic === undefined) return events;
    const chunkReader = new ChunkReader(topic);
    let next = Math.max(from.sequence, topic.firstSequence);
    let room = from.bytesMax;
    let chunkCount = 1;
    while (next <= topic.lastSequence && events.length < from.countMax) {
      const chunks = this.#statements.chunks.all(topic.id, next, topic.lastSequence, chunkCount);
      let chunkBytes = 0;
      for (const chunk of chunks) {
        const before = events.length;
        room -= chunkReader.read(chunk, { sequence: next, countMax: from.countMax, bytesMax: room }, events);
        next += events.length - before;
        if (next < chunk.sequence + chunk.count) return events;
        chunkBytes += chunk.events.byteLength;
      }
      if (chunks.length === 0)
        throw new MicroError("internal", `events of topic ${key.topic} from ${next} on are missing`);
      // As many as there is room for, if they are like those that were just read.
      const byCount = ((from.countMax - events.length) * chunks.length) / events.length;
      const byBytes = (room * chunks.length) / Math.max(1, chunkBytes);
      chunkCount = Math.ceil(Math.min(chunksAtOnceMax, Math.max(1, Math.min(byCount, byBytes))));
    }
    return events;
  }

  readAt(key: TopicKey, sequences: readonly number[]): StoredEvent[] {
    const topic = this.#find(key);
    const events: StoredEvent[] = [];
    if (topic === undefined) return events;
    const chunkReader = new ChunkReader(topic);
    let chunk: KeptChunk | undefined;
    for (const sequence of sequences) {
      if (sequence < topic.firstSequence || sequence > topic.lastSequence) continue;
      if (chunk === undefined || sequence >= chunk.sequence + chunk.count) {
        [chunk] = this.#statements.chunks.all(topic.id, sequence, sequence, 1);
      }
      if (chunk === undefined) throw new MicroError("internal", `event ${sequence} of topic ${key.topic} is missing`);
      chunkReader.read(chunk, { sequence, countMax: events.length + 1, bytesMax: Number.POSITIVE_INFINITY }, events);
    }
    return events;
  }

  /** Binary search: the time of arrival never goes back in a topic. */
  sequenceAt(key: TopicKey, timestampMs: number): number {
    const topic = this.#find(key);
    if (topic === undefined) return 1;
    let low = topic.firstSequence;
    let high = topic.lastSequence + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const chunk = this.#statements.head.get(topic.id, middle);
      if (chunk === null) throw new MicroError("internal", `event ${middle} of topic ${key.topic} is missing`);
      // All events of a chunk arrived together.
      if (chunk.arrived_at_ms < timestampMs) low = chunk.sequence + chunk.count;
      else high = Math.max(topic.firstSequence, chunk.sequence);
    }
    return low;
  }

  topic({ namespace, topic }: TopicKey): TopicState | undefined {
    const row = this.#statements.topic.get(namespace, topic);
    return row === null ? undefined : toState(row);
  }

  topics(namespace: string): TopicState[] {
    return this.#statements.topics.all(namespace).map(toState);
  }

  place({ namespace, topic, group }: GroupKey): GroupPlace | undefined {
    const row = this.#statements.place.get(namespace, topic, group);
    return row === null ? undefined : decodePlace(row.place);
  }

  groups({ namespace, topic }: TopicKey): (GroupKey & { readonly place: GroupPlace })[] {
    return this.#statements.places
      .all(namespace, topic)
      .map((row) => ({ namespace, topic, group: row.group_name, place: decodePlace(row.place) }));
  }

  close(): void {
    // SQLite keeps a connection open, behind the scenes, as long as it has statements.
    for (const statement of Object.values(this.#statements)) statement.finalize();
    this.#database.close();
  }

  #find(key: TopicKey): KeptTopic | undefined {
    const row = this.#statements.topic.get(key.namespace, key.topic);
    if (row === null) return undefined;
    return {
      ...key,
      id: row.id,
      idPrefix: row.id_prefix,
      firstSequence: firstOf(row),
      lastSequence: row.last_sequence,
    };
  }
}

/** What is trimmed is gone, also where it is still on disk. */
function firstOf({ first_sequence, trim_to }: TopicRow): number {
  return Math.max(first_sequence, trim_to + 1);
}

function toState(row: TopicRow): TopicState {
  const first = firstOf(row);
  const count = row.last_sequence - first + 1;
  return {
    name: row.name,
    firstSequence: count === 0 ? 0 : first,
    lastSequence: row.last_sequence,
    count,
    bytes: count === 0 ? 0 : row.bytes,
    retention: toRetention(row),
  };
}

function prepare(database: Database) {
  const chunkOf = (sequence: string): string =>
    `(SELECT max(place) FROM chunk WHERE place <= ${placeOf("?1", sequence)})`;
  return {
    topic: database.prepare<TopicRow, [string, string]>("SELECT * FROM topic WHERE namespace = ? AND name = ?"),
    topics: database.prepare<TopicRow, [string]>(
      "SELECT * FROM topic WHERE namespace = ? AND name IS NOT NULL ORDER BY name",
    ),
    chunks: database.prepare<KeptChunk, [number, number, number, number]>(
      `SELECT ${sequenceOfPlace} AS sequence, count, arrived_at_ms, checksum, events FROM chunk
       WHERE place BETWEEN ${chunkOf("?2")} AND ${placeOf("?1", "?3")} ORDER BY place LIMIT ?4`,
    ),
    head: database.prepare<Pick<KeptChunk, "sequence" | "count" | "arrived_at_ms">, [number, number]>(
      `SELECT ${sequenceOfPlace} AS sequence, count, arrived_at_ms FROM chunk WHERE place = ${chunkOf("?2")}`,
    ),
    place: database.prepare<{ place: Uint8Array }, [string, string, string]>(
      "SELECT place FROM group_place WHERE namespace = ? AND topic = ? AND group_name = ?",
    ),
    places: database.prepare<{ group_name: string; place: Uint8Array }, [string, string]>(
      "SELECT group_name, place FROM group_place WHERE namespace = ? AND topic = ? ORDER BY group_name",
    ),
  };
}
