import { MicroError } from "./error.ts";

/**
 * A bounded queue between a producer of events and one asynchronous reader.
 *
 * `push` returns false when the brim is reached; what happens then is the producer's stated policy. The reader sees the
 * items in order, then the end or the failure.
 */
export class AsyncQueue<T> implements AsyncIterableIterator<T> {
  readonly #countMax: number;
  readonly #items: T[] = [];
  #head = 0;
  #waiting: { resolve: (result: IteratorResult<T, undefined>) => void; reject: (reason: unknown) => void } | undefined;
  #end: { readonly failure?: MicroError } | undefined;
  #onDrain: (() => void) | undefined;
  readonly #onClose: (() => void) | undefined;

  constructor(countMax: number, onClose?: () => void) {
    this.#countMax = countMax;
    this.#onClose = onClose;
  }

  /** Items that wait. */
  get size(): number {
    return this.#items.length - this.#head;
  }

  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  /** Offers an item; false when the queue is full or closed. */
  push(item: T): boolean {
    if (this.#end !== undefined) return false;
    if (this.#waiting !== undefined) {
      const { resolve } = this.#waiting;
      this.#waiting = undefined;
      resolve({ done: false, value: item });
      return true;
    }
    if (this.size >= this.#countMax) return false;
    this.#items.push(item);
    return true;
  }

  /** Drops what waits and returns it. */
  clear(): T[] {
    const waiting = this.#items.slice(this.#head);
    this.#items.length = 0;
    this.#head = 0;
    return waiting;
  }

  /** Calls `listener` once, when the reader has taken everything that waited. */
  onceDrained(listener: () => void): void {
    if (this.size === 0) listener();
    else this.#onDrain = listener;
  }

  /** No more items; the reader gets what waits, then the end, or the failure when one is given. */
  close(failure?: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = failure === undefined ? {} : { failure: MicroError.from(failure) };
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    if (this.#end.failure === undefined) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(this.#end.failure);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#head < this.#items.length) return Promise.resolve({ done: false, value: this.#take() });
    if (this.#end?.failure !== undefined) return Promise.reject(this.#end.failure);
    if (this.#end !== undefined) return Promise.resolve({ done: true, value: undefined });
    if (this.#waiting !== undefined)
      return Promise.reject(new MicroError("internal", "AsyncQueue has one reader at a time"));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** The reader leaves: what waits is dropped, further pushes are refused. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.clear();
    this.close();
    this.#drained();
    this.#onClose?.();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): T {
    const item = this.#items[this.#head] as T;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
      this.#drained();
    } else if (this.#head > 1_024) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }

  #drained(): void {
    const listener = this.#onDrain;
    this.#onDrain = undefined;
    listener?.();
  }
}
