import { limits } from "#base/limits.ts";
import type { LogChunkTable } from "./log-chunk-table.ts";
import type { PackedRun } from "./log-message.ts";
import type { LogTopic } from "./log-topic-table.ts";

/** Events of one topic that come one behind the other in one commit, on their way into a chunk. */
export class LogRun {
  readonly #topic: LogTopic;
  readonly #chunks: LogChunkTable;
  readonly #bytes: Uint8Array;
  /** Start and end of what lies together. */
  #spans: { readonly start: number; end: number }[] = [];
  #recordBytes = 0;
  #contentBytes = 0;
  #count = 0;
  #idCount = 0;

  constructor(deps: { readonly topic: LogTopic; readonly chunks: LogChunkTable; readonly bytes: Uint8Array }) {
    this.#topic = deps.topic;
    this.#chunks = deps.chunks;
    this.#bytes = deps.bytes;
  }

  /** Takes the records that have the topic's last places. */
  add({ start, recordBytes, contentBytes, count, hasId }: PackedRun): void {
    const end = start + recordBytes;
    const span = this.#spans.at(-1);
    if (span?.end === start) span.end = end;
    else this.#spans.push({ start, end });
    this.#recordBytes += recordBytes;
    this.#contentBytes += contentBytes;
    this.#count += count;
    if (hasId) this.#idCount += 1;
    if (this.#recordBytes >= limits.eventChunkBytesMax) this.flush();
  }

  /** Writes what was taken as a chunk. */
  flush(): void {
    if (this.#count === 0) return;
    const topic = this.#topic;
    this.#chunks.add({
      topicId: topic.id,
      sequence: topic.lastSequence - this.#count + 1,
      count: this.#count,
      idCount: this.#idCount,
      bytes: this.#contentBytes,
      arrivedAtMs: topic.arrivedAtMs,
      events: this.#join(),
    });
    topic.bytes += this.#contentBytes;
    this.#spans = [];
    this.#recordBytes = 0;
    this.#contentBytes = 0;
    this.#count = 0;
    this.#idCount = 0;
  }

  #join(): Uint8Array {
    const [first, ...others] = this.#spans;
    // Events of one topic lie together already, which is the usual case.
    if (first !== undefined && others.length === 0) {
      return this.#bytes.subarray(first.start, first.end);
    }
    const joined = new Uint8Array(this.#recordBytes);
    let at = 0;
    for (const { start, end } of this.#spans) {
      joined.set(this.#bytes.subarray(start, end), at);
      at += end - start;
    }
    return joined;
  }
}
