import type { Database } from "bun:sqlite";
import type { Retention, TopicKey } from "#interface/events.ts";
import { makeIdPrefix } from "./log-id.ts";
import { toTopicId } from "./topic-id.ts";

/** A topic as the writer knows it; what changes is saved with the commit that changes it. */
export interface LogTopic {
  readonly id: number;
  readonly namespace: string;
  readonly idPrefix: string;
  /** Undefined: it was deleted, its events are on their way out. */
  name: string | undefined;
  firstSequence: number;
  lastSequence: number;
  trimTo: number;
  bytes: number;
  /** When the last event came; never goes back. */
  arrivedAtMs: number;
  retention: Retention;
  /** When the oldest event came; undefined: to be looked up. */
  firstArrivedAtMs: number | undefined;
}

interface TopicRow {
  readonly id: number;
  readonly namespace: string;
  readonly name: string | null;
  readonly id_prefix: string;
  readonly first_sequence: number;
  readonly last_sequence: number;
  readonly trim_to: number;
  readonly bytes: number;
  readonly arrived_at_ms: number;
  readonly retention_age_ms: number | null;
  readonly retention_bytes: number | null;
  readonly retention_count: number | null;
}

/** All topics of a log, inside its writer. Nothing of it holds after a transaction that failed. */
export class LogTopicTable {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #byName = new Map<string, LogTopic>();
  readonly #limited = new Set<LogTopic>();

  constructor(database: Database) {
    this.#statements = prepare(database);
    for (const row of this.#statements.all.all()) this.#add(toTopic(row));
  }

  find(key: TopicKey): LogTopic | undefined {
    return this.#byName.get(toTopicId(key));
  }

  /** Topics that may hold something that is not to be kept. */
  get limited(): ReadonlySet<LogTopic> {
    return this.#limited;
  }

  provide({ namespace, topic }: TopicKey): LogTopic {
    const known = this.find({ namespace, topic });
    if (known !== undefined) return known;
    const idPrefix = makeIdPrefix();
    const { lastInsertRowid } = this.#statements.add.run(namespace, topic, idPrefix);
    const row = this.#statements.read.get(Number(lastInsertRowid));
    if (row === null) throw new Error("a topic that was just made is not there");
    const made = toTopic(row);
    this.#add(made);
    return made;
  }

  save(topic: LogTopic): void {
    const { id, name, firstSequence, lastSequence, trimTo, bytes, arrivedAtMs, retention } = topic;
    this.#statements.save.run({
      id,
      name: name ?? null,
      firstSequence,
      lastSequence,
      trimTo,
      bytes,
      arrivedAtMs,
      ageMs: retention.ageMs ?? null,
      bytesMax: retention.bytes ?? null,
      countMax: retention.count ?? null,
    });
    this.#setLimited(topic);
  }

  /** Takes the name from a topic, so that it is not found any more. */
  drop(topic: LogTopic): void {
    this.#byName.delete(toTopicId({ namespace: topic.namespace, topic: topic.name ?? "" }));
    topic.name = undefined;
    this.save(topic);
  }

  /** Removes the last trace of a topic that was dropped and is empty. */
  forget(topic: LogTopic): void {
    this.#statements.remove.run(topic.id);
    this.#limited.delete(topic);
  }

  close(): void {
    for (const statement of Object.values(this.#statements)) statement.finalize();
  }

  #add(topic: LogTopic): void {
    this.#setLimited(topic);
    if (topic.name === undefined) return;
    this.#byName.set(toTopicId({ namespace: topic.namespace, topic: topic.name }), topic);
  }

  #setLimited(topic: LogTopic): void {
    const { ageMs, bytes, count } = topic.retention;
    const isLimited = ageMs !== undefined || bytes !== undefined || count !== undefined;
    if (isLimited || topic.name === undefined || topic.trimTo >= topic.firstSequence) this.#limited.add(topic);
    else this.#limited.delete(topic);
  }
}

/** A retention as it is kept, without what is not limited. */
export function toRetention(
  row: Pick<TopicRow, "retention_age_ms" | "retention_bytes" | "retention_count">,
): Retention {
  return {
    ...(row.retention_age_ms === null ? {} : { ageMs: row.retention_age_ms }),
    ...(row.retention_bytes === null ? {} : { bytes: row.retention_bytes }),
    ...(row.retention_count === null ? {} : { count: row.retention_count }),
  };
}

function toTopic(row: TopicRow): LogTopic {
  return {
    id: row.id,
    namespace: row.namespace,
    idPrefix: row.id_prefix,
    name: row.name ?? undefined,
    firstSequence: row.first_sequence,
    lastSequence: row.last_sequence,
    trimTo: row.trim_to,
    bytes: row.bytes,
    arrivedAtMs: row.arrived_at_ms,
    retention: toRetention(row),
    firstArrivedAtMs: undefined,
  };
}

type SaveValues = Record<string, number | string | null>;

function prepare(database: Database) {
  return {
    all: database.prepare<TopicRow, []>("SELECT * FROM topic"),
    read: database.prepare<TopicRow, [number]>("SELECT * FROM topic WHERE id = ?"),
    add: database.prepare<unknown, [string, string, string]>(
      `INSERT INTO topic (namespace, name, id_prefix, first_sequence, last_sequence, trim_to, bytes, arrived_at_ms)
       VALUES (?, ?, ?, 1, 0, 0, 0, 0)`,
    ),
    save: database.prepare<unknown, [SaveValues]>(
      `UPDATE topic SET name = $name, first_sequence = $firstSequence, last_sequence = $lastSequence,
       trim_to = $trimTo, bytes = $bytes, arrived_at_ms = $arrivedAtMs, retention_age_ms = $ageMs,
       retention_bytes = $bytesMax, retention_count = $countMax WHERE id = $id`,
    ),
    remove: database.prepare<unknown, [number]>("DELETE FROM topic WHERE id = ?"),
  };
}
