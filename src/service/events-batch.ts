import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { BatchNumber, PublishedEvent } from "#interface/events.ts";
import type { Caller } from "./caller.ts";
import { publishTypes, type PublishAnswer, type PublishQuestion } from "./events-codec.ts";
import type { OutgoingEvent } from "./events-payload.ts";
import { isTransient } from "./events-wire.ts";

/** An event that waits for its answer. */
export interface WaitingEvent {
  readonly event: OutgoingEvent;
  readonly deadlineMs: number;
  readonly resolve: (published: PublishedEvent) => void;
  readonly reject: (reason: MicroError) => void;
}

/** Events that are sent together under one number, until there is an answer. */
export class EventBatch {
  /** What became of the last attempt. */
  failure: MicroError | undefined;
  #number: BatchNumber;
  #events: readonly WaitingEvent[];
  #isDoubtful = false;

  constructor(number: BatchNumber, events: readonly WaitingEvent[]) {
    this.#number = number;
    this.#events = events;
  }

  /** Its place among the batches of the publisher. */
  get number(): number {
    return this.#number.number;
  }

  get count(): number {
    return this.#events.length;
  }

  /** True when it was perhaps appended, and nobody has said so. */
  get isDoubtful(): boolean {
    return this.#isDoubtful;
  }

  /** Sends it once and answers its events; true when that went well, otherwise `failure` says why not. */
  async send(caller: Caller): Promise<boolean> {
    this.failure = undefined;
    try {
      const timeoutMs = Math.max(1, (this.#events.at(-1)?.deadlineMs ?? 0) - Date.now());
      const question: PublishQuestion = { number: this.#number, events: this.#events };
      const options = { types: publishTypes, timeoutMs };
      const answer = await caller.call<PublishAnswer>("events", "Stream.PublishBatch", question, options);
      if (this.#resolve(answer)) return true;
      throw new MicroError("bad_gateway", "events answered for other events");
    } catch (reason) {
      this.failure = MicroError.from(reason);
      if (isTransient(this.failure) && !this.failure.neverSent) this.#isDoubtful = true;
      return false;
    }
  }

  /** Gives up events whose time is over; false when none is left. */
  expire(failure: MicroError): boolean {
    const nowMs = Date.now();
    const open = this.#events.filter(({ deadlineMs, reject }) => {
      if (nowMs < deadlineMs) return true;
      reject(failure);
      return false;
    });
    // What was perhaps appended must come again as it was, or it could not be told from another batch.
    if (!this.#isDoubtful) this.#events = open;
    return open.length > 0;
  }

  reject(failure: MicroError): void {
    for (const { reject } of this.#events) reject(failure);
  }

  /** Gives it another place; only for a batch that was surely not appended under the old one. */
  renumber(number: BatchNumber): void {
    this.#number = number;
    this.#isDoubtful = false;
  }

  /** The same events as two batches. */
  halve(): EventBatch[] {
    const half = Math.ceil(this.#events.length / 2);
    return [this.#events.slice(0, half), this.#events.slice(half)].map(
      (events) => new EventBatch(this.#number, events),
    );
  }

  #resolve(runs: PublishAnswer): boolean {
    const total = runs.reduce((sum, { count }) => sum + count, 0);
    if (total !== this.#events.length) return false;
    let index = 0;
    for (const { idPrefix, firstSequence, count, isDuplicate } of runs) {
      for (let sequence = firstSequence; sequence < firstSequence + count; sequence += 1) {
        const waiting = this.#events[index];
        index += 1;
        if (waiting === undefined) break;
        const id = waiting.event.id === "" ? `${idPrefix}-${sequence}` : waiting.event.id;
        waiting.resolve({ id, sequence, isDuplicate });
      }
    }
    return true;
  }
}

/** Bytes of an event in memory, roughly. */
export function sizeOf({ payload, metadata }: OutgoingEvent): number {
  let bytes = payload.byteLength + limits.eventIdLengthMax;
  for (const key in metadata) bytes += key.length + (metadata[key]?.length ?? 0);
  return bytes;
}
