import type { ConsumeRequestInit } from "./events-place.ts";

/** What a consumer says: first what to consume, then which events are done and which could not be handled. */
export interface ConsumerMessage {
  readonly consume?: ConsumeRequestInit;
  readonly done?: bigint[];
  readonly nacks?: { readonly sequence: bigint; readonly delayMs: bigint }[];
  /** Events that wait here for their turn. */
  readonly waiting?: bigint[];
  /** Events that were not begun and never will be. */
  readonly returned?: bigint[];
}

type Reader = (result: IteratorResult<ConsumerMessage, undefined>) => void;

/**
 * Acknowledgements on their way to the server, over one connection after the other: those together that gather in one
 * turn, or a part of what may be under way, so that the server can send more.
 */
export class AckQueue {
  readonly #flushCount: number;
  #done: bigint[] = [];
  #nacks: { readonly sequence: bigint; readonly delayMs: bigint }[] = [];
  #waiting: bigint[] = [];
  #returned: bigint[] = [];
  /** Who reads now, and how it is told; a connection that is over reads nothing any more. */
  #connection = 0;
  #reader: Reader | undefined;
  #isScheduled = false;
  #isEnded = false;

  /** @param pendingMax events that may be under way before the server waits for an acknowledgement */
  constructor(pendingMax: number) {
    this.#flushCount = Math.max(1, Math.floor(pendingMax / 4));
  }

  done(sequence: bigint): void {
    this.#done.push(sequence);
    this.#schedule();
  }

  refuse(sequence: bigint, delayMs: number): void {
    this.#nacks.push({ sequence, delayMs: BigInt(delayMs) });
    this.#schedule();
  }

  /** Events that wait for their turn: the time to acknowledge them begins anew. */
  extend(sequences: bigint[]): void {
    // What a broken connection did not take is out of date.
    this.#waiting = sequences;
    this.#schedule();
  }

  /** Events that others shall have. */
  giveBack(sequences: readonly bigint[]): void {
    this.#returned.push(...sequences);
    this.#schedule();
  }

  /** No more will be given: the reader gets what waits, then the end. */
  end(): void {
    this.#isEnded = true;
    this.#flush();
  }

  /** What is sent on a new connection. The one before ends, and what waits goes to this one. */
  open(consume: ConsumeRequestInit): AsyncIterableIterator<ConsumerMessage> {
    this.release();
    const connection = this.#connection;
    let isFirst = true;
    const messages: AsyncIterableIterator<ConsumerMessage> = {
      next: () => {
        if (connection !== this.#connection) return Promise.resolve({ done: true, value: undefined });
        if (!isFirst) return this.#next();
        isFirst = false;
        return Promise.resolve({ done: false, value: { consume } });
      },
      return: () => {
        if (connection === this.#connection) this.release();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => messages,
    };
    return messages;
  }

  /** The connection is over. What waits stays for the next one. */
  release(): void {
    this.#connection += 1;
    this.#reader?.({ done: true, value: undefined });
    this.#reader = undefined;
  }

  #next(): Promise<IteratorResult<ConsumerMessage, undefined>> {
    return new Promise((resolve) => {
      this.#reader = resolve;
      if (this.#isEnded) this.#flush();
      else this.#schedule();
    });
  }

  get #count(): number {
    return this.#done.length + this.#nacks.length + this.#waiting.length + this.#returned.length;
  }

  #schedule(): void {
    if (this.#reader === undefined || this.#count === 0) return;
    if (this.#count >= this.#flushCount) return this.#flush();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const reader = this.#reader;
    if (reader === undefined || (this.#count === 0 && !this.#isEnded)) return;
    this.#reader = undefined;
    if (this.#count === 0) return reader({ done: true, value: undefined });
    const value = { done: this.#done, nacks: this.#nacks, waiting: this.#waiting, returned: this.#returned };
    this.#done = [];
    this.#nacks = [];
    this.#waiting = [];
    this.#returned = [];
    reader({ done: false, value });
  }
}
