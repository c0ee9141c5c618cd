import type { StoredEvent } from "#interface/events.ts";
import type { Delivery } from "./delivery.ts";
import type { GroupPlace } from "./event-log.ts";

/**
 * How far a group has come: everything before `nextSequence` was taken from the topic, and of that all is done but what
 * is open. That is all there is to remember, however many events are done behind one that is not.
 */
export class GroupProgress {
  /** Ascending, because events are taken in the order of the topic and never put back. */
  readonly #open = new Map<number, Delivery>();
  readonly #openById = new Map<string, Delivery>();
  #nextSequence: number;
  /** Ranges behind `#nextSequence` that were done before the group was loaded, as in a place. */
  #doneAhead: readonly number[];

  constructor(place: GroupPlace) {
    this.#nextSequence = place.floor + 1;
    this.#doneAhead = place.done;
  }

  /** The place that is taken from the topic next. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Every event up to here is done. */
  get floor(): number {
    for (const sequence of this.#open.keys()) return sequence - 1;
    const [first = Number.POSITIVE_INFINITY, end = 0] = this.#doneAhead;
    return Math.max(this.#nextSequence, first <= this.#nextSequence ? end : 0) - 1;
  }

  /** Goes on behind this place; false when the event there was done before. Places that are left out count as done. */
  take(sequence: number): boolean {
    this.#nextSequence = sequence + 1;
    for (;;) {
      const [first, end] = this.#doneAhead;
      if (first === undefined || end === undefined || sequence < first) return true;
      if (sequence < end) return false;
      this.#doneAhead = this.#doneAhead.slice(2);
    }
  }

  /** Notes that an event that was just taken is not done. */
  open({ sequence, id, payload, metadata }: StoredEvent): Delivery {
    const bytes = payload.byteLength + metadataBytes(metadata);
    const delivery: Delivery = { sequence, id, bytes, attempt: 0, stage: "new", holder: undefined, dueAtMs: 0 };
    this.#open.set(sequence, delivery);
    this.#openById.set(id, delivery);
    return delivery;
  }

  find(sequence: number): Delivery | undefined {
    return this.#open.get(sequence);
  }

  findById(id: string): Delivery | undefined {
    return this.#openById.get(id);
  }

  finish(delivery: Delivery): void {
    if (this.#open.get(delivery.sequence) === delivery) this.#open.delete(delivery.sequence);
    if (this.#openById.get(delivery.id) === delivery) this.#openById.delete(delivery.id);
  }

  /** What has to be kept. @param settled events that are still open and count as done. */
  toPlace(settled: ReadonlySet<Delivery>): GroupPlace {
    const done: number[] = [];
    let first: number | undefined;
    let last = 0;
    for (const delivery of this.#open.values()) {
      if (settled.has(delivery)) continue;
      if (first !== undefined) addRange(done, last + 1, delivery.sequence);
      first ??= delivery.sequence;
      last = delivery.sequence;
    }
    if (first !== undefined) addRange(done, last + 1, this.#nextSequence);
    // While nothing is open, everything up to the next event is done, and so is what was done right behind it.
    const ahead = this.#doneAhead.map((edge) => Math.max(edge, this.#nextSequence));
    const floor = (first ?? this.#nextSequence) - 1;
    if (first === undefined && ahead[0] === this.#nextSequence)
      return { floor: (ahead[1] ?? 0) - 1, done: ahead.slice(2) };
    for (let index = 0; index < ahead.length; index += 2) addRange(done, ahead[index] ?? 0, ahead[index + 1] ?? 0);
    return { floor, done };
  }
}

/** Adds a range behind the last one, as one with it where they touch. */
function addRange(ranges: number[], first: number, end: number): void {
  if (first >= end) return;
  if (ranges.at(-1) === first) ranges[ranges.length - 1] = end;
  else ranges.push(first, end);
}

function metadataBytes(metadata: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const key in metadata) bytes += key.length + (metadata[key]?.length ?? 0);
  return bytes;
}
