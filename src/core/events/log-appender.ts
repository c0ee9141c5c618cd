import { MicroError } from "#base/error.ts";
import type { TopicKey } from "#interface/events.ts";
import { addPlaces } from "./event-places.ts";
import type { LogChunkTable } from "./log-chunk-table.ts";
import { parseId } from "./log-id.ts";
import type { AppendedTopic, PackedRun } from "./log-message.ts";
import { readHead, readId } from "./log-record.ts";
import { LogRun } from "./log-run.ts";
import type { LogTopic, LogTopicTable } from "./log-topic-table.ts";

interface AppendingTopic {
  readonly topic: LogTopic;
  readonly run: LogRun;
  isAppended: boolean;
}

/** Appends the events of one group to their topics, inside a transaction. */
export class LogAppender {
  readonly #topics: LogTopicTable;
  readonly #chunks: LogChunkTable;
  readonly #keys: readonly TopicKey[];
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #nowMs: number;
  /** By index of the topic. */
  readonly #appending: (AppendingTopic | undefined)[] = [];

  /** @param deps.keys of the topics, by index. @param deps.bytes where the records are */
  constructor(deps: {
    readonly topics: LogTopicTable;
    readonly chunks: LogChunkTable;
    readonly keys: readonly TopicKey[];
    readonly bytes: Uint8Array;
    readonly nowMs: number;
  }) {
    this.#topics = deps.topics;
    this.#chunks = deps.chunks;
    this.#keys = deps.keys;
    this.#bytes = deps.bytes;
    this.#view = new DataView(deps.bytes.buffer, deps.bytes.byteOffset, deps.bytes.byteLength);
    this.#nowMs = deps.nowMs;
  }

  /**
   * Appends the events of one write, and adds where they are to `places`.
   *
   * @throws MicroError when the write is refused; nothing of it was appended then.
   */
  append(runs: readonly PackedRun[], places: number[]): void {
    for (const run of runs) this.#check(run);
    for (const run of runs) addPlaces(places, this.#appendRun(run), run.count);
  }

  /** Writes what was appended, and says which topics grew how far. */
  finish(): (AppendedTopic | undefined)[] {
    return this.#keys.map((key, index) => {
      const entry = this.#appending[index];
      entry?.run.flush();
      if (entry?.isAppended === true) this.#topics.save(entry.topic);
      const topic = entry?.topic ?? this.#topics.find(key);
      if (topic === undefined) return undefined;
      return { idPrefix: topic.idPrefix, lastSequence: entry?.isAppended === true ? topic.lastSequence : undefined };
    });
  }

  #check(run: PackedRun): void {
    const key = this.#keys[run.topicIndex];
    if (key === undefined) throw new MicroError("internal", "an event without a topic was packed");
    const id = this.#idOf(run);
    if (id === undefined) return;
    const topic = this.#appending[run.topicIndex]?.topic ?? this.#topics.find(key);
    const place = topic === undefined ? undefined : parseId(topic.idPrefix, id);
    if (topic === undefined || place === undefined || place <= topic.lastSequence) return;
    throw new MicroError(
      "invalid_argument",
      `event id "${id}" has the form of those that the server makes for the topic`,
    );
  }

  /** The id that the publisher gave, if any. */
  #idOf({ hasId, start }: PackedRun): string | undefined {
    return hasId ? readId(this.#bytes, readHead(this.#view, start)) : undefined;
  }

  /** The place of the first event; negative where an earlier one has its id. */
  #appendRun(packed: PackedRun): number {
    const entry = this.#provide(packed.topicIndex);
    const { topic, run } = entry;
    const sequence = topic.lastSequence + 1;
    const id = this.#idOf(packed);
    if (id !== undefined) {
      const earlier = this.#findMade(topic, id) ?? this.#chunks.claimId(topic.id, id, sequence);
      if (earlier !== undefined) return -earlier;
    }
    topic.lastSequence += packed.count;
    entry.isAppended = true;
    run.add(packed);
    return sequence;
  }

  /** The place of an event that is kept and has this id from the log itself, as when somebody sends on what he received. */
  #findMade(topic: LogTopic, id: string): number | undefined {
    const sequence = parseId(topic.idPrefix, id);
    if (sequence === undefined || sequence < topic.firstSequence || sequence > topic.lastSequence) return undefined;
    for (const entry of this.#appending) if (entry?.topic === topic) entry.run.flush();
    const chunk = this.#chunks.head(topic.id, sequence);
    const events = chunk === undefined ? undefined : this.#chunks.events(topic.id, chunk.sequence);
    if (chunk === undefined || events === undefined) return undefined;
    const view = new DataView(events.buffer, events.byteOffset, events.byteLength);
    let head = readHead(view, 0);
    for (let each = chunk.sequence; each < sequence; each += 1) head = readHead(view, head.end);
    return head.idBytes === 0 ? sequence : undefined;
  }

  #provide(topicIndex: number): AppendingTopic {
    const known = this.#appending[topicIndex];
    if (known !== undefined) return known;
    const topic = this.#topics.provide(this.#keys[topicIndex] ?? { namespace: "", topic: "" });
    // Time of arrival never goes back in a topic, also where the clock does.
    topic.arrivedAtMs = Math.max(topic.arrivedAtMs, this.#nowMs);
    const made = { topic, run: new LogRun({ topic, chunks: this.#chunks, bytes: this.#bytes }), isAppended: false };
    this.#appending[topicIndex] = made;
    return made;
  }
}
