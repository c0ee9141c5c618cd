import { SerialQueue } from "./serial-queue.ts";

/** One {@link SerialQueue} for each key, kept only while it has work. */
export class KeyedQueue {
  readonly #queues = new Map<string, { readonly queue: SerialQueue; count: number }>();

  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const entry = this.#queues.get(key) ?? { queue: new SerialQueue(), count: 0 };
    this.#queues.set(key, entry);
    entry.count += 1;
    try {
      return await entry.queue.run(task);
    } finally {
      entry.count -= 1;
      if (entry.count === 0) this.#queues.delete(key);
    }
  }

  /** Resolves when everything that was given so far has ended. */
  async idle(): Promise<void> {
    await Promise.all([...this.#queues.values()].map(({ queue }) => queue.idle()));
  }
}
