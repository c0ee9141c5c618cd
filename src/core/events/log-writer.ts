import type { Database } from "bun:sqlite";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Retention, TopicKey } from "#interface/events.ts";
import type { FileWriter } from "#sqlite/serve-writer.ts";
import { Transaction } from "#sqlite/transaction.ts";
import type { GroupKey } from "./event-log.ts";
import { LogAppender } from "./log-appender.ts";
import { LogChunkTable } from "./log-chunk-table.ts";
import type { CommittedWrites, LogReply, LogRequest, PackedWrites, RefusedWrite, WriteExtras } from "./log-message.ts";
import { isOverLimit, removeOldest } from "./log-removal.ts";
import { LogTopicTable } from "./log-topic-table.ts";

/** Writes the file of an event log, one durable commit a request. */
export class LogWriter implements FileWriter<LogRequest, LogReply> {
  readonly #database: Database;
  readonly #transaction: Transaction;
  readonly #chunks: LogChunkTable;
  readonly #places: ReturnType<typeof preparePlaces>;
  #topics: LogTopicTable;

  constructor(database: Database) {
    this.#database = database;
    this.#transaction = new Transaction(database);
    this.#chunks = new LogChunkTable(database);
    this.#places = preparePlaces(database);
    this.#topics = new LogTopicTable(database);
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
    this.#topics.close();
    for (const statement of Object.values(this.#places)) statement.finalize();
    this.#database.close();
  }

  #run<T>(work: () => T): T {
    try {
      return this.#transaction.run(work);
    } catch (reason) {
      // What is known of the topics may be what was not written.
      this.#topics.close();
      this.#topics = new LogTopicTable(this.#database);
      throw reason;
    }
  }

  #commit(writes: PackedWrites, nowMs: number): CommittedWrites {
    const heads = new Uint32Array(writes.heads);
    const appender = new LogAppender({ topics: this.#topics, chunks: this.#chunks, writes, nowMs });
    const refused: RefusedWrite[] = [];
    const accepted = new Set<number>();
    // One number for every event, and as many more as there are other heads: it is cut at the end.
    const sequences = new Float64Array(heads.length);
    let headAt = 0;
    let recordAt = 0;
    let eventCount = 0;
    for (let write = 0; write < writes.writeCount; write += 1) {
      const count = heads[headAt] ?? 0;
      headAt += 1;
      const events = Array.from({ length: count }, () => {
        const event = appender.span(heads[headAt] ?? 0, recordAt);
        recordAt += heads[headAt + 1] ?? 0;
        headAt += 2;
        return event;
      });
      try {
        appender.append(events, sequences.subarray(eventCount, eventCount + count));
        accepted.add(write);
      } catch (reason) {
        if (!MicroError.is(reason)) throw reason;
        refused.push({ write, code: reason.code, detail: reason.detail });
      }
      eventCount += count;
    }
    const topics = appender.finish();
    for (const extras of writes.extras) if (accepted.has(extras.write)) this.#writeExtras(extras, nowMs);
    return { kind: "committed", sequences: sequences.slice(0, eventCount).buffer, topics, refused };
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

  #retain({ countMax, nowMs }: { readonly countMax: number; readonly nowMs: number }): LogReply {
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
