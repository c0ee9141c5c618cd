import type { Metadata } from "#base/metadata.ts";
import type { StoredEvent, TopicKey } from "#interface/events.ts";
import { damagedChunk } from "./log-damage.ts";
import { makeId } from "./log-id.ts";
import { contentBytes, readHead, readId, readMetadata } from "./log-record.ts";

/** A topic as its readers see it. */
export interface KeptTopic extends TopicKey {
  readonly id: number;
  readonly idPrefix: string;
  readonly firstSequence: number;
  readonly lastSequence: number;
}

/** A row of the file. */
export interface KeptChunk {
  /** Place of the first event. */
  readonly sequence: number;
  readonly count: number;
  readonly arrived_at_ms: number;
  readonly checksum: number;
  readonly events: Uint8Array;
}

const noMetadata: Metadata = Object.freeze({});

/** Takes the events of one topic out of its chunks. */
export class ChunkReader {
  readonly #topic: KeptTopic;

  constructor(topic: KeptTopic) {
    this.#topic = topic;
  }

  /**
   * Adds events of a chunk to `into`, from a place on, until that holds `countMax` or the bytes are used up; the first
   * event of all is taken whatever its size. Payloads are views of the chunk. Says how many bytes were taken.
   *
   * @throws MicroError `internal` when the chunk is not what was written.
   */
  read(
    chunk: KeptChunk,
    from: { readonly sequence: number; readonly countMax: number; readonly bytesMax: number },
    into: StoredEvent[],
  ): number {
    const { events } = chunk;
    const { namespace, topic, idPrefix } = this.#topic;
    if (Bun.hash.crc32(events) !== chunk.checksum) throw damagedChunk(this.#topic, chunk.sequence);
    const view = new DataView(events.buffer, events.byteOffset, events.byteLength);
    let taken = 0;
    for (let at = 0, place = chunk.sequence; place < chunk.sequence + chunk.count; place += 1) {
      const head = readHead(view, at);
      at = head.end;
      if (place < from.sequence) continue;
      const bytes = contentBytes(head);
      if (into.length >= from.countMax || (taken + bytes > from.bytesMax && into.length > 0)) break;
      taken += bytes;
      const metadata = readMetadata(events, head);
      into.push({
        namespace,
        topic,
        id: readId(events, head) ?? makeId(idPrefix, place),
        sequence: place,
        payload: events.subarray(head.end - head.payloadBytes, head.end),
        metadata: metadata === "" ? noMetadata : (JSON.parse(metadata) as Metadata),
        timestampMs: head.timestampMs ?? chunk.arrived_at_ms,
      });
    }
    return taken;
  }
}
