import type { NewEvent, PublishedEvent, Retention, StoredEvent, TopicKey, TopicState } from "#interface/events.ts";
import { makeId, makeIdPrefix } from "./log-id.ts";

interface KeptEvent {
  readonly event: StoredEvent;
  readonly arrivedAtMs: number;
  readonly bytes: number;
}

/** Events that may be trimmed before the array that held them is copied. */
const holeCountMax = 1_024;

/** One topic of the memory log. Places have no gaps, so an event is found by its distance from the oldest. */
export class MemoryTopic {
  readonly key: TopicKey;
  /** Ids that publishers did not give begin with it. */
  readonly idPrefix = makeIdPrefix();
  #kept: KeptEvent[] = [];
  /** Entries of `#kept` before this one are gone. */
  #head = 0;
  #lastSequence = 0;
  #bytes = 0;
  #retention: Retention = {};
  readonly #sequenceById = new Map<string, number>();

  constructor(key: TopicKey) {
    this.key = key;
  }

  append(given: NewEvent, nowMs: number): PublishedEvent {
    const sequence = this.#lastSequence + 1;
    const id = given.id ?? makeId(this.idPrefix, sequence);
    const known = this.#sequenceById.get(id);
    if (known !== undefined) return { id, sequence: known, isDuplicate: true };
    const { payload, metadata = {}, timestampMs = nowMs } = given;
    const event: StoredEvent = {
      ...this.key,
      id,
      sequence,
      payload: payload.slice(),
      metadata: { ...metadata },
      timestampMs,
    };
    const bytes = payload.byteLength + id.length + JSON.stringify(metadata).length;
    this.#lastSequence = sequence;
    this.#sequenceById.set(id, sequence);
    this.#kept.push({ event, arrivedAtMs: nowMs, bytes });
    this.#bytes += bytes;
    return { id, sequence, isDuplicate: false };
  }

  read(from: { readonly sequence: number; readonly countMax: number; readonly bytesMax: number }): StoredEvent[] {
    const found: StoredEvent[] = [];
    let bytes = 0;
    for (let index = Math.max(this.#head, this.#indexOf(from.sequence)); found.length < from.countMax; index += 1) {
      const kept = this.#kept[index];
      if (kept === undefined) break;
      bytes += kept.bytes;
      if (bytes > from.bytesMax && found.length > 0) break;
      found.push(kept.event);
    }
    return found;
  }

  at(sequence: number): StoredEvent | undefined {
    const index = this.#indexOf(sequence);
    return index < this.#head ? undefined : this.#kept[index]?.event;
  }

  /** Place of the first event that arrived at this time or later; one behind the last when there is none. */
  sequenceAt(timestampMs: number): number {
    let low = this.#head;
    let high = this.#kept.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#kept[middle]?.arrivedAtMs ?? 0) < timestampMs) low = middle + 1;
      else high = middle;
    }
    return this.#kept[low]?.event.sequence ?? this.#lastSequence + 1;
  }

  state(): TopicState {
    return {
      name: this.key.topic,
      firstSequence: this.#kept[this.#head]?.event.sequence ?? 0,
      lastSequence: this.#lastSequence,
      count: this.#count,
      bytes: this.#bytes,
      retention: this.#retention,
    };
  }

  setRetention(retention: Retention): void {
    this.#retention = retention;
  }

  /** Removes what the limits no longer allow. */
  enforce(nowMs: number): void {
    const { ageMs, bytes, count } = this.#retention;
    for (;;) {
      const oldest = this.#kept[this.#head];
      if (oldest === undefined) return;
      const isOver =
        (count !== undefined && this.#count > count) ||
        (bytes !== undefined && this.#bytes > bytes) ||
        (ageMs !== undefined && oldest.arrivedAtMs < nowMs - ageMs);
      if (!isOver) return;
      this.#removeOldest(oldest);
    }
  }

  /** Removes events up to a place. */
  trim(upTo: number): void {
    for (;;) {
      const oldest = this.#kept[this.#head];
      if (oldest === undefined || oldest.event.sequence > upTo) return;
      this.#removeOldest(oldest);
    }
  }

  get #count(): number {
    return this.#kept.length - this.#head;
  }

  #indexOf(sequence: number): number {
    return this.#kept.length - (this.#lastSequence - sequence) - 1;
  }

  #removeOldest(oldest: KeptEvent): void {
    this.#sequenceById.delete(oldest.event.id);
    this.#bytes -= oldest.bytes;
    this.#head += 1;
    if (this.#head < holeCountMax || this.#head * 2 < this.#kept.length) return;
    this.#kept = this.#kept.slice(this.#head);
    this.#head = 0;
  }
}
