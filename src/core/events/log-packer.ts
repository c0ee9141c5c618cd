import { MicroError } from "#base/error.ts";
import type { NewEvent, PublishedRun, TopicKey } from "#interface/events.ts";
import type { EntryPacker } from "#sqlite/group-commit.ts";
import type { LogWrite } from "./event-log.ts";
import type { CommittedWrites, LogReply, LogRequest, WriteExtras } from "./log-message.ts";
import { encodePlace } from "./log-place.ts";
import { recordBytesMax, writeRecord } from "./log-record.ts";
import { addToRuns, type GrowingRun } from "./published-runs.ts";

/** A write that passed the checks. */
export interface CheckedWrite {
  readonly write: LogWrite;
  /** Metadata of the events as JSON, empty where there is none; undefined when no event has any. */
  readonly metadata: readonly string[] | undefined;
}

/** Packs writes for the writer; payloads are copied at once, so that callers may reuse their memory. */
export class LogPacker implements EntryPacker<CheckedWrite, readonly PublishedRun[], LogRequest, LogReply> {
  readonly #now: () => number;
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;
  #heads = new Uint32Array(1_024);
  #headCount = 0;
  #writeCount = 0;
  readonly #eventCounts: number[] = [];
  /** Of every event: the index of its topic; -1 where it has an id of its own. */
  readonly #topicOfEvent: number[] = [];
  readonly #topics: TopicKey[] = [];
  readonly #topicIndexes = new Map<string, number>();
  /** Events that come together often go to one topic. */
  #lastTopic = -1;
  readonly #extras: WriteExtras[] = [];
  readonly #onAppend: (key: TopicKey, lastSequence: number) => void;

  constructor(deps: {
    readonly bytesExpected: number;
    readonly now: () => number;
    readonly onAppend: (key: TopicKey, lastSequence: number) => void;
  }) {
    this.#now = deps.now;
    this.#onAppend = deps.onAppend;
    // With some room over, because what an event may take is more than what it takes in the end.
    this.#bytes = new Uint8Array(4 * 1_024 + Math.ceil(deps.bytesExpected * 1.25));
    this.#view = new DataView(this.#bytes.buffer);
  }

  get byteCount(): number {
    return this.#length;
  }

  add({ write, metadata }: CheckedWrite): void {
    const { namespace, events, batch, places = [], trims = [] } = write;
    this.#pushHead(events.length);
    this.#eventCounts.push(events.length);
    let index = 0;
    for (const event of events) {
      this.#addEvent(namespace, event, metadata?.[index] ?? "");
      index += 1;
    }
    if (batch !== undefined || places.length > 0 || trims.length > 0) {
      this.#extras.push({
        write: this.#writeCount,
        namespace,
        batch,
        places: places.map(({ place, ...key }) => ({ ...key, bytes: encodePlace(place) })),
        trims,
      });
    }
    this.#writeCount += 1;
  }

  finish(): { request: LogRequest; transfer: ArrayBuffer[] } {
    const records = this.#bytes.buffer;
    const heads = this.#heads.buffer;
    const writes = { writeCount: this.#writeCount, records, heads, topics: this.#topics, extras: this.#extras };
    return { request: { kind: "commit", writes, nowMs: this.#now() }, transfer: [records, heads] };
  }

  readReply(reply: LogReply): readonly (readonly PublishedRun[] | MicroError)[] {
    if (reply.kind !== "committed") return [];
    const results = this.#results(reply);
    for (const [index, topic] of reply.topics.entries()) {
      const key = this.#topics[index];
      if (key !== undefined && topic?.lastSequence !== undefined) this.#onAppend(key, topic.lastSequence);
    }
    return results;
  }

  #results({ sequences, topics, refused }: CommittedWrites): (readonly PublishedRun[] | MicroError)[] {
    const places = new Float64Array(sequences);
    let at = 0;
    const results: (readonly PublishedRun[] | MicroError)[] = [];
    for (const count of this.#eventCounts) {
      const runs: GrowingRun[] = [];
      for (const end = at + count; at < end; at += 1) {
        const place = places[at] ?? 0;
        const idPrefix = topics[this.#topicOfEvent[at] ?? -1]?.idPrefix ?? "";
        addToRuns(runs, { idPrefix, sequence: Math.abs(place), isDuplicate: place < 0 });
      }
      results.push(runs);
    }
    for (const { write, code, detail } of refused) results[write] = new MicroError(code, detail, { at: "events" });
    return results;
  }

  #addEvent(namespace: string, event: NewEvent, metadata: string): void {
    this.#reserve(recordBytesMax(event, metadata));
    const start = this.#length;
    this.#length = writeRecord({ bytes: this.#bytes, view: this.#view }, start, event, metadata);
    const topicIndex = this.#indexOf(namespace, event.topic);
    this.#pushHead(topicIndex);
    this.#pushHead(this.#length - start);
    this.#topicOfEvent.push(event.id === undefined ? topicIndex : -1);
  }

  #indexOf(namespace: string, topic: string): number {
    const last = this.#topics[this.#lastTopic];
    if (last?.topic === topic && last.namespace === namespace) return this.#lastTopic;
    const name = `${namespace}/${topic}`;
    const index = this.#topicIndexes.get(name) ?? this.#topics.push({ namespace, topic }) - 1;
    this.#topicIndexes.set(name, index);
    this.#lastTopic = index;
    return index;
  }

  #pushHead(value: number): void {
    if (this.#headCount === this.#heads.length) {
      const grown = new Uint32Array(this.#heads.length * 2);
      grown.set(this.#heads);
      this.#heads = grown;
    }
    this.#heads[this.#headCount] = value;
    this.#headCount += 1;
  }

  #reserve(byteCount: number): void {
    const needed = this.#length + byteCount;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
