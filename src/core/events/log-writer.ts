import type { Database } from "bun:sqlite";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Retention, TopicKey } from "#interface/events.ts";
import type { FileWriter } from "#sqlite/serve-writer.ts";
import { Transaction } from "#sqlite/transaction.ts";
import type { GroupKey } from "./event-log.ts";
import { LogAppender, type EventSpan } from "./log-appender.ts";
import { LogBatchTable } from "./log-batch-table.ts";
import { LogChunkTable } from "./log-chunk-table.ts";
import type { CommittedWrites, LogReply, LogRequest, PackedWrites, RefusedWrite, WriteExtras } from "./log-message.ts";
import { isOverLimit, removeOldest } from "./log-removal.ts";
import { LogTopicTable } from "./log-topic-table.ts";

/** Writes the file of an event log, one durable commit a request. */
export class LogWriter implements FileWriter<LogRequest, LogReply> {
  readonly #database: Database;
  readonly #transaction: Transaction;
  readonly #chunks: LogChunkTable;
  readonly #batches: LogBatchTable;
  readonly #places: ReturnType<typeof preparePlaces>;
  /** When batches of publishers were last looked through for those that are too old. */
  #purgedAtMs = 0;
  /** Undefined after a failure: what is known of the topics may be what was not written. */
  #known: LogTopicTable | undefined;

  constructor(database: Database) {
    this.#database = database;
    this.#transaction = new Transaction(database);
    this.#chunks = new LogChunkTable(database);
    this.#batches = new LogBatchTable(database);
    this.#places = preparePlaces(database);
    this.#known = new LogTopicTable(database);
  }

  answer(request: LogRequest): LogReply {
    switch (request.kind) {
      case "commit":
        return this.#run(() => this.#commit(request.writes, request.nowMs));
      case "retain":
        return this.#retain(request);
      case "setRetention":
        return this.#run(() => this.#setRetention(request.key, request.retention));
      case "deleteTopic":
        return this.#run(() => this.#deleteTopic(request.key));
      default:
        return this.#run(() => this.#deleteGroup(request.key));
    }
  }

  close(): void {
    this.#transaction.finalize();
    this.#chunks.close();
    this.#batches.close();
    this.#known?.close();
    for (const statement of Object.values(this.#places)) statement.finalize();
    this.#database.close();
  }

  get #topics(): LogTopicTable {
    this.#known ??= new LogTopicTable(this.#database);
    return this.#known;
  }

  #run<T>(work: () => T): T {
    try {
      return this.#transaction.run(work);
    } catch (reason) {
      this.#known?.close();
      this.#known = undefined;
      throw reason;
    }
  }

  #commit(writes: PackedWrites, nowMs: number): CommittedWrites {
    const heads = new Uint32Array(writes.heads);
    const appender = new LogAppender({ topics: this.#topics, chunks: this.#chunks, writes, nowMs });
    const refused = new Map<number, RefusedWrite>();
    const extras = new Map(writes.extras.map((each) => [each.write, each]));
    // There are fewer events than heads: it is cut at the end.
    const sequences = new Float64Array(heads.length);
    let headAt = 0;
    let recordAt = 0;
    let eventCount = 0;
    for (let write = 0; write < writes.writeCount; write += 1) {
      const count = heads[headAt] ?? 0;
      headAt += 1;
      const events: EventSpan[] = [];
      for (let index = 0; index < count; index += 1) {
        events.push(appender.span(heads[headAt] ?? 0, recordAt));
        recordAt += heads[headAt + 1] ?? 0;
        headAt += 2;
      }
      try {
        const room = sequences.subarray(eventCount, eventCount + count);
        this.#append({ appender, events, nowMs, extras: extras.get(write) }, room);
      } catch (reason) {
        if (!MicroError.is(reason)) throw reason;
        refused.set(write, { write, code: reason.code, detail: reason.detail });
      }
      eventCount += count;
    }
    const topics = appender.finish();
    for (const each of writes.extras) if (!refused.has(each.write)) this.#writeExtras(each, nowMs);
    const places = sequences.slice(0, eventCount).buffer;
    return { kind: "committed", sequences: places, topics, refused: [...refused.values()] };
  }

  /** Appends the events of one write, unless it is a batch that was appended before; `places` says where they are. */
  #append({ appender, events, nowMs, extras }: Appending, places: Float64Array): void {
    if (extras?.batch === undefined) return appender.append(events, places);
    const { namespace, batch } = extras;
    const earlier = this.#batches.findPlaces(namespace, batch);
    if (earlier === undefined) {
      appender.append(events, places);
      this.#batches.keep(namespace, batch, { places, nowMs });
    } else if (earlier.length === places.length) places.set(earlier);
    else
      throw new MicroError("conflict", `batch ${batch.number} of this publisher had ${earlier.length} events before`);
  }

  #writeExtras({ places, trims }: WriteExtras, nowMs: number): void {
    for (const { namespace, topic, group, bytes } of places) this.#places.put.run(namespace, topic, group, bytes);
    for (const { upTo, ...key } of trims) {
      const topic = this.#topics.find(key);
      if (topic === undefined) continue;
      topic.trimTo = Math.max(topic.trimTo, Math.min(upTo, topic.lastSequence));
      // What is too much for one commit is hidden at once and goes with the next rounds.
      removeOldest(topic, this.#chunks, { nowMs, countMax: limits.eventRetentionCountMax });
      this.#topics.save(topic);
    }
  }

  /** Forgets batches of publishers that are too old to come again; true when there are more of them. */
  #purgeBatches(nowMs: number): boolean {
    if (Math.abs(nowMs - this.#purgedAtMs) < limits.eventPublisherPurgeIntervalMs) return false;
    const keptBeforeMs = nowMs - limits.eventPublisherKeptMs;
    const isMore = this.#batches.hasOlder(keptBeforeMs) && this.#run(() => this.#batches.removeOlder(keptBeforeMs));
    if (!isMore) this.#purgedAtMs = nowMs;
    return isMore;
  }

  #retain({ countMax, nowMs }: { readonly countMax: number; readonly nowMs: number }): LogReply {
    if (this.#purgeBatches(nowMs)) return { kind: "retained", isMore: true };
    // Looking first: an empty commit would still wait for the disk.
    const due = [...this.#topics.limited].filter(
      (topic) => topic.name === undefined || isOverLimit(topic, nowMs, this.#chunks),
    );
    if (due.length === 0) return { kind: "retained", isMore: false };
    return this.#run(() => {
      let room = countMax;
      for (const topic of due) {
        room -= removeOldest(topic, this.#chunks, { nowMs, countMax: room });
        const isEmpty = topic.firstSequence > topic.lastSequence;
        if (topic.name === undefined && isEmpty) this.#topics.forget(topic);
        else this.#topics.save(topic);
        if (room <= 0 || isOverLimit(topic, nowMs, this.#chunks)) return { kind: "retained", isMore: true };
      }
      return { kind: "retained", isMore: false };
    });
  }

  #setRetention(key: TopicKey, retention: Retention): LogReply {
    const topic = this.#topics.provide(key);
    topic.retention = retention;
    this.#topics.save(topic);
    return { kind: "changed" };
  }

  #deleteTopic(key: TopicKey): LogReply {
    const topic = this.#topics.find(key);
    if (topic !== undefined) this.#topics.drop(topic);
    this.#places.removeAll.run(key.namespace, key.topic);
    return { kind: "changed" };
  }

  #deleteGroup({ namespace, topic, group }: GroupKey): LogReply {
    this.#places.remove.run(namespace, topic, group);
    return { kind: "changed" };
  }
}

interface Appending {
  readonly appender: LogAppender;
  readonly events: readonly EventSpan[];
  readonly extras: WriteExtras | undefined;
  readonly nowMs: number;
}

function preparePlaces(database: Database) {
  return {
    put: database.prepare<unknown, [string, string, string, Uint8Array]>(
      "INSERT OR REPLACE INTO group_place (namespace, topic, group_name, place) VALUES (?, ?, ?, ?)",
    ),
    remove: database.prepare<unknown, [string, string, string]>(
      "DELETE FROM group_place WHERE namespace = ? AND topic = ? AND group_name = ?",
    ),
    removeAll: database.prepare<unknown, [string, string]>("DELETE FROM group_place WHERE namespace = ? AND topic = ?"),
  };
}
