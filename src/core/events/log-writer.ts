import type { Database } from "bun:sqlite";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { BatchNumber, Retention, TopicKey } from "#interface/events.ts";
import type { FileWriter } from "#sqlite/serve-writer.ts";
import { Transaction } from "#sqlite/transaction.ts";
import type { GroupKey } from "./event-log.ts";
import { countPlaces, joinPlaces } from "./event-places.ts";
import { LogAppender } from "./log-appender.ts";
import { LogBatchTable } from "./log-batch-table.ts";
import { LogChunkTable } from "./log-chunk-table.ts";
import type {
  CommittedWrites,
  EventPlaces,
  LogReply,
  LogRequest,
  PackedRun,
  RefusedWrite,
  WriteExtras,
} from "./log-message.ts";
import { isOverLimit, removeOldest } from "./log-removal.ts";
import { LogTopicTable } from "./log-topic-table.ts";
import { readRuns } from "./packed-runs.ts";

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

  answer(request: LogRequest, bytes: Uint8Array): LogReply {
    switch (request.kind) {
      case "commit":
        return this.#run(() => this.#commit(request, bytes));
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

  #commit({ writes, nowMs }: LogRequest & { readonly kind: "commit" }, bytes: Uint8Array): CommittedWrites {
    const common = { topics: this.#topics, chunks: this.#chunks };
    const appender = new LogAppender({ ...common, keys: writes.topics, bytes, nowMs });
    const extras = new Map(writes.extras.map((each) => [each.write, each]));
    const refused = new Map<number, RefusedWrite>();
    const places: number[] = [];
    let write = 0;
    for (const runs of readRuns(writes, bytes)) {
      try {
        this.#append({ appender, runs, nowMs, extras: extras.get(write) }, places);
      } catch (reason) {
        if (!MicroError.is(reason)) throw reason;
        refused.set(write, { write, code: reason.code, detail: reason.detail });
      }
      write += 1;
    }
    const topics = appender.finish();
    for (const each of writes.extras) if (!refused.has(each.write)) this.#writeExtras(each, bytes, nowMs);
    return { kind: "committed", places, topics, refused: [...refused.values()] };
  }

  /** Appends the events of one write, unless it is a batch that was appended before; adds where they are to `places`. */
  #append({ appender, runs, nowMs, extras }: Appending, places: number[]): void {
    if (extras?.batch === undefined) return appender.append(runs, places);
    const { namespace, batch } = extras;
    const earlier = this.#batches.findPlaces(namespace, batch);
    if (earlier !== undefined) return joinPlaces(places, requireSame(earlier, runs, batch));
    const own: number[] = [];
    appender.append(runs, own);
    this.#batches.keep(namespace, batch, { places: own, nowMs });
    joinPlaces(places, own);
  }

  #writeExtras({ places, trims }: WriteExtras, bytes: Uint8Array, nowMs: number): void {
    for (const { namespace, topic, group, start, end } of places)
      this.#places.put.run(namespace, topic, group, bytes.subarray(start, end));
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
  readonly runs: readonly PackedRun[];
  readonly extras: WriteExtras | undefined;
  readonly nowMs: number;
}

/** @throws MicroError `conflict` for a batch of another size than the one that was appended under its number. */
function requireSame(earlier: EventPlaces, runs: readonly PackedRun[], { number }: BatchNumber): EventPlaces {
  const count = runs.reduce((sum, each) => sum + each.count, 0);
  const countBefore = countPlaces(earlier);
  if (count === countBefore) return earlier;
  throw new MicroError("conflict", `batch ${number} of this publisher had ${countBefore} events before`);
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
