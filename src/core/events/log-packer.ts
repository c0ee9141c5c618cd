import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { NewEvent, PublishedRun, TopicKey } from "#interface/events.ts";
import type { EntryPacker, PackedRequest } from "#sqlite/group-commit.ts";
import type { LogWrite } from "./event-log.ts";
import { PlaceReader } from "./event-places.ts";
import type { CommittedWrites, LogReply, LogRequest, PackedRun, WriteExtras } from "./log-message.ts";
import { encodePlace } from "./log-place.ts";
import { headBytes, recordBytesMax, writeRecord } from "./log-record.ts";
import { addPlacesToRuns, type GrowingRun } from "./published-runs.ts";

/** A write that passed the checks. */
export interface CheckedWrite {
  readonly write: LogWrite;
  /** Metadata of the events as JSON, empty where there is none; undefined when no event has any. */
  readonly metadata: readonly string[] | undefined;
}

/** A run that still grows. */
type GrowingPackedRun = { -readonly [K in keyof PackedRun]: PackedRun[K] };

/** Packs writes for the writer; payloads are copied at once, so that callers may reuse their memory. */
export class LogPacker implements EntryPacker<CheckedWrite, readonly PublishedRun[], LogRequest, LogReply> {
  readonly #now: () => number;
  #bytes: Buffer<ArrayBuffer>;
  #view: DataView;
  #length = 0;
  /** By write. */
  readonly #runs: GrowingPackedRun[][] = [];
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
    this.#bytes = Buffer.allocUnsafeSlow(4 * 1_024 + Math.ceil(deps.bytesExpected * 1.25));
    this.#view = new DataView(this.#bytes.buffer);
  }

  get byteCount(): number {
    return this.#length;
  }

  add({ write, metadata }: CheckedWrite): void {
    const { namespace, events, batch, places = [], trims = [] } = write;
    const runs: GrowingPackedRun[] = [];
    let index = 0;
    for (const event of events) {
      this.#addEvent(runs, this.#indexOf(namespace, event.topic), event, metadata?.[index] ?? "");
      index += 1;
    }
    if (batch !== undefined || places.length > 0 || trims.length > 0) {
      this.#extras.push({
        write: this.#runs.length,
        namespace,
        ...(batch !== undefined && { batch }),
        places: places.map(({ place, ...key }) => ({ ...key, ...this.#addBytes(encodePlace(place)) })),
        trims,
      });
    }
    this.#runs.push(runs);
  }

  finish(): PackedRequest<LogRequest> {
    const headsAt = this.#addHeads();
    const writes = { writeCount: this.#runs.length, headsAt, topics: this.#topics, extras: this.#extras };
    return { request: { kind: "commit", writes, nowMs: this.#now() }, bytes: this.#bytes.subarray(0, this.#length) };
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

  #results({ places, topics, refused }: CommittedWrites): (readonly PublishedRun[] | MicroError)[] {
    const refusals = new Map(refused.map((each) => [each.write, each]));
    const reader = new PlaceReader(places);
    return this.#runs.map((runs, write) => {
      const refusal = refusals.get(write);
      if (refusal !== undefined) return new MicroError(refusal.code, refusal.detail, { at: "events" });
      const published: GrowingRun[] = [];
      for (const { hasId, topicIndex, count } of runs)
        addPlacesToRuns(published, hasId ? "" : (topics[topicIndex]?.idPrefix ?? ""), count, reader);
      return published;
    });
  }

  #addEvent(runs: GrowingPackedRun[], topicIndex: number, event: NewEvent, metadata: string): void {
    this.#reserve(recordBytesMax(event, metadata));
    const start = this.#length;
    const end = writeRecord({ bytes: this.#bytes, view: this.#view }, start, event, metadata);
    this.#length = end;
    const hasId = event.id !== undefined;
    const recordBytes = end - start;
    const contentBytes = recordBytes - headBytes(event, metadata);
    const last = runs.at(-1);
    // A run never has more than a chunk: one that is full is followed by another.
    if (last === undefined || !takesMore(last) || hasId || last.topicIndex !== topicIndex) {
      runs.push({ topicIndex, start, recordBytes, contentBytes, count: 1, hasId });
      return;
    }
    last.recordBytes += recordBytes;
    last.contentBytes += contentBytes;
    last.count += 1;
  }

  #addBytes(bytes: Uint8Array): { readonly start: number; readonly end: number } {
    this.#reserve(bytes.byteLength);
    const start = this.#length;
    this.#bytes.set(bytes, start);
    this.#length += bytes.byteLength;
    return { start, end: this.#length };
  }

  #addHeads(): number {
    const heads: number[] = [];
    for (const runs of this.#runs) {
      heads.push(runs.length);
      for (const { topicIndex, start, recordBytes, contentBytes, count, hasId } of runs)
        heads.push(topicIndex, start, recordBytes, contentBytes, count, hasId ? 1 : 0);
    }
    // Numbers of four bytes are read where four bytes begin.
    this.#reserve(4);
    this.#length = Math.ceil(this.#length / 4) * 4;
    return this.#addBytes(new Uint8Array(Uint32Array.from(heads).buffer)).start;
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

  #reserve(byteCount: number): void {
    const needed = this.#length + byteCount;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function takesMore({ hasId, recordBytes }: PackedRun): boolean {
  return !hasId && recordBytes < limits.eventChunkBytesMax;
}
