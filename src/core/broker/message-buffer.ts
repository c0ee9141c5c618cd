import type { SharedMessage } from "./shared-message.ts";

/** How much may be at one place at a time. */
export interface BufferLimit {
  readonly countMax: number;
  readonly bytesMax: number;
}

/** Messages that wait for one subscriber. When there are too many, the oldest leave. */
export class MessageBuffer {
  readonly #limit: BufferLimit;
  #items: (SharedMessage | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  constructor(limit: BufferLimit) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#items.length - this.#head;
  }

  /** True when one more message may push another out. */
  get isFull(): boolean {
    return this.count >= this.#limit.countMax || this.#bytes >= this.#limit.bytesMax;
  }

  /** Adds one; returns how many older ones had to leave. */
  push(message: SharedMessage): number {
    this.#items.push(message);
    this.#bytes += message.byteCount;
    let droppedCount = 0;
    while (this.count > this.#limit.countMax || (this.#bytes > this.#limit.bytesMax && this.count > 1)) {
      this.#shift();
      droppedCount += 1;
    }
    return droppedCount;
  }

  /** The oldest, in their order: as many as `limit` allows, and at least one where there is one. */
  take(limit: BufferLimit): SharedMessage[] {
    const taken: SharedMessage[] = [];
    let byteCount = 0;
    while (this.count > 0 && taken.length < limit.countMax) {
      const next = this.#items[this.#head];
      if (next === undefined || (taken.length > 0 && byteCount + next.byteCount > limit.bytesMax)) break;
      byteCount += next.byteCount;
      taken.push(next);
      this.#shift();
    }
    return taken;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  #shift(): void {
    this.#bytes -= this.#items[this.#head]?.byteCount ?? 0;
    // Nothing that left is kept alive by the list.
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) this.clear();
    else if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
