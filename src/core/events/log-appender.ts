import { MicroError } from "#base/error.ts";
import type { LogChunkTable } from "./log-chunk-table.ts";
import { parseId } from "./log-id.ts";
import type { AppendedTopic, PackedWrites } from "./log-message.ts";
import { contentBytes, readHead, readId, type RecordHead } from "./log-record.ts";
import { LogRun } from "./log-run.ts";
import type { LogTopic, LogTopicTable } from "./log-topic-table.ts";

/** An event of the group, and where its record lies. */
export interface EventSpan {
  readonly topicIndex: number;
  readonly start: number;
  readonly head: RecordHead;
  readonly id: string | undefined;
}

/** Appends the events of one group to their topics, inside a transaction. */
export class LogAppender {
  readonly #topics: LogTopicTable;
  readonly #chunks: LogChunkTable;
  readonly #writes: PackedWrites;
  readonly #nowMs: number;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  /** By index of the topic. */
  readonly #runs: ({ readonly topic: LogTopic; readonly run: LogRun; isAppended: boolean } | undefined)[] = [];

  constructor(deps: {
    readonly topics: LogTopicTable;
    readonly chunks: LogChunkTable;
    readonly writes: PackedWrites;
    readonly nowMs: number;
  }) {
    this.#topics = deps.topics;
    this.#chunks = deps.chunks;
    this.#writes = deps.writes;
    this.#nowMs = deps.nowMs;
    this.#view = new DataView(deps.writes.records);
    this.#bytes = new Uint8Array(deps.writes.records);
  }

  /**
   * Appends the events of one write, and puts their places into `sequences`.
   *
   * @throws MicroError when the write is refused; nothing of it was appended then.
   */
  append(events: readonly EventSpan[], sequences: Float64Array): void {
    for (const event of events) this.#check(event);
    let index = 0;
    for (const event of events) {
      sequences[index] = this.#appendOne(event);
      index += 1;
    }
  }

  /** The event that a record of the group is. */
  span(topicIndex: number, start: number): EventSpan {
    const head = readHead(this.#view, start);
    return { topicIndex, start, head, id: readId(this.#bytes, head) };
  }

  /** Writes what was appended, and says which topics grew how far. */
  finish(): (AppendedTopic | undefined)[] {
    return this.#writes.topics.map((key, index) => {
      const entry = this.#runs[index];
      entry?.run.flush();
      if (entry?.isAppended === true) this.#topics.save(entry.topic);
      const topic = entry?.topic ?? this.#topics.find(key);
      if (topic === undefined) return undefined;
      return { idPrefix: topic.idPrefix, lastSequence: entry?.isAppended === true ? topic.lastSequence : undefined };
    });
  }

  #check({ topicIndex, id }: EventSpan): void {
    const key = this.#writes.topics[topicIndex];
    if (key === undefined) throw new MicroError("internal", "an event without a topic was packed");
    if (id === undefined) return;
    const topic = this.#runs[topicIndex]?.topic ?? this.#topics.find(key);
    const place = topic === undefined ? undefined : parseId(topic.idPrefix, id);
    if (topic === undefined || place === undefined || place <= topic.lastSequence) return;
    throw new MicroError(
      "invalid_argument",
      `event id "${id}" has the form of those that the server makes for the topic`,
    );
  }

  #appendOne({ topicIndex, start, head, id }: EventSpan): number {
    const entry = this.#provide(topicIndex);
    const { topic, run } = entry;
    const sequence = topic.lastSequence + 1;
    if (id !== undefined) {
      const earlier = this.#findMade(topic, id) ?? this.#chunks.claimId(topic.id, id, sequence);
      if (earlier !== undefined) return -earlier;
    }
    topic.lastSequence = sequence;
    entry.isAppended = true;
    run.add({ start, end: head.end, contentBytes: contentBytes(head), hasId: id !== undefined });
    return sequence;
  }

  /** The place of an event that is kept and has this id from the log itself, as when somebody sends on what he received. */
  #findMade(topic: LogTopic, id: string): number | undefined {
    const sequence = parseId(topic.idPrefix, id);
    if (sequence === undefined || sequence < topic.firstSequence || sequence > topic.lastSequence) return undefined;
    for (const entry of this.#runs) if (entry?.topic === topic) entry.run.flush();
    const chunk = this.#chunks.head(topic.id, sequence);
    const events = chunk === undefined ? undefined : this.#chunks.events(topic.id, chunk.sequence);
    if (chunk === undefined || events === undefined) return undefined;
    const view = new DataView(events.buffer, events.byteOffset, events.byteLength);
    let head = readHead(view, 0);
    for (let each = chunk.sequence; each < sequence; each += 1) head = readHead(view, head.end);
    return head.idBytes === 0 ? sequence : undefined;
  }

  #provide(topicIndex: number): { readonly topic: LogTopic; readonly run: LogRun; isAppended: boolean } {
    const known = this.#runs[topicIndex];
    if (known !== undefined) return known;
    const key = this.#writes.topics[topicIndex] ?? { namespace: "", topic: "" };
    const topic = this.#topics.provide(key);
    // Time of arrival never goes back in a topic, also where the clock does.
    topic.arrivedAtMs = Math.max(topic.arrivedAtMs, this.#nowMs);
    const run = new LogRun({ topic, chunks: this.#chunks, records: this.#writes.records });
    const made = { topic, run, isAppended: false };
    this.#runs[topicIndex] = made;
    return made;
  }
}
