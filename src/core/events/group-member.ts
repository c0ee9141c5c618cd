import { MicroError } from "#base/error.ts";
import type { Consumer, DeliveredEvent } from "#interface/events.ts";
import type { ConsumeConfig } from "./consume-config.ts";
import type { Delivery, DeliveryHolder } from "./delivery.ts";

/** What a member asks of its group. */
export interface MemberGroup {
  /** The member waits for events. */
  ask(member: GroupMember): void;
  acknowledge(sequences: readonly number[]): void;
  refuse(sequence: number, delayMs: number | undefined): void;
  extend(member: GroupMember, sequences: readonly number[]): void;
  giveBack(member: GroupMember, sequences: readonly number[]): void;
  leave(member: GroupMember): void;
}

type Batch = IteratorResult<readonly DeliveredEvent[], undefined>;

/** Full batches that a consumer may have before it acknowledges one. */
const batchesUnderWay = 4;

interface Waiting {
  readonly resolve: (batch: Batch) => void;
  readonly reject: (error: MicroError) => void;
}

/**
 * One consumer of a group. It gets events only while it asks for some and has room, so that a slow reader holds no more
 * than the batch that it reads and what it has not acknowledged.
 */
export class GroupMember implements Consumer, DeliveryHolder {
  readonly config: ConsumeConfig;
  readonly pending = new Map<number, Delivery>();
  readonly #group: MemberGroup;
  readonly #signal: AbortSignal | undefined;
  #waiting: Waiting | undefined;
  #end: { readonly error?: MicroError } | undefined;

  constructor(group: MemberGroup, config: ConsumeConfig, signal: AbortSignal | undefined) {
    this.#group = group;
    this.config = config;
    this.#signal = signal;
  }

  /** Follows the signal from now on; the member has joined. */
  start(): void {
    if (this.#signal?.aborted === true) this.#leave();
    else this.#signal?.addEventListener("abort", this.#leave, { once: true });
  }

  /** Events that it takes now. No more than a part of all, so that one batch is on its way while another is handled. */
  get room(): number {
    const { pendingCountMax } = this.config;
    return Math.min(Math.ceil(pendingCountMax / batchesUnderWay), pendingCountMax - this.pending.size);
  }

  acknowledge(sequences: readonly number[]): void {
    this.#group.acknowledge(sequences);
  }

  refuse(sequence: number, delayMs?: number): void {
    // One that is no longer here was taken back because it took too long; whoever has it now decides.
    if (this.pending.has(sequence)) this.#group.refuse(sequence, delayMs);
  }

  extend(sequences: readonly number[]): void {
    this.#group.extend(this, sequences);
  }

  giveBack(sequences: readonly number[]): void {
    this.#group.giveBack(this, sequences);
  }

  /** Answers what the member asked for; to be called only while it waits. */
  give(events: readonly DeliveredEvent[]): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ done: false, value: events });
  }

  /** Nothing comes any more; the reader is told why where there is a failure. */
  end(error?: MicroError): void {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? {} : { error };
    this.#signal?.removeEventListener("abort", this.#leave);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error === undefined) waiting?.resolve({ done: true, value: undefined });
    else waiting?.reject(error);
  }

  next(): Promise<Batch> {
    if (this.#end?.error !== undefined) return Promise.reject(this.#end.error);
    if (this.#end !== undefined) return Promise.resolve({ done: true, value: undefined });
    if (this.#waiting !== undefined) {
      return Promise.reject(new MicroError("internal", "a consumer has one reader at a time"));
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#group.ask(this);
    });
  }

  return(): Promise<Batch> {
    this.#leave();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #leave = (): void => {
    if (this.#end !== undefined) return;
    this.end();
    this.#group.leave(this);
  };
}
