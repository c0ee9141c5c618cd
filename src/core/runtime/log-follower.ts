import { AsyncQueue } from "#base/async-queue.ts";
import type { LogLine } from "#interface/runtime.ts";

/** Lines that may wait for a slow reader: a burst at the start of a service fits. */
const waitingCountMax = 8_192;

/** A reader of new lines. One that is too slow loses lines, and is told how many. */
export class LogFollower {
  readonly #queue: AsyncQueue<LogLine>;
  readonly #detach: () => void;
  #skippedCount = 0;

  /** @param onLeave called when the reader leaves. */
  constructor(onLeave: (follower: LogFollower) => void, signal: AbortSignal | undefined) {
    this.#queue = new AsyncQueue(waitingCountMax, () => onLeave(this));
    const close = (): void => this.close();
    this.#detach = () => signal?.removeEventListener("abort", close);
    signal?.addEventListener("abort", close, { once: true });
    if (signal?.aborted === true) close();
  }

  offer(lines: readonly LogLine[]): void {
    for (const line of lines) this.#offerOne(line);
  }

  /** What waits is still read. */
  close(): void {
    this.#detach();
    this.#queue.close();
  }

  async *lines(): AsyncGenerator<LogLine> {
    try {
      yield* this.#queue;
    } finally {
      this.#detach();
      await this.#queue.return();
    }
  }

  #offerOne(line: LogLine): void {
    if (this.#skippedCount > 0) {
      const text = `${this.#skippedCount} lines are left out here: they came faster than they were read`;
      if (!this.#queue.push({ ...line, stream: "system", text })) {
        this.#skippedCount += 1;
        return;
      }
      this.#skippedCount = 0;
    }
    if (!this.#queue.push(line)) this.#skippedCount += 1;
  }
}
