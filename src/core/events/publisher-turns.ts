import { limits } from "#base/limits.ts";

/** The batches of one publisher that came before their turn. */
interface Line {
  /** Number of the batch whose turn it is. */
  next: number;
  readonly waiting: Map<number, () => void>;
}

/**
 * Batches of a publisher that travel beside each other may overtake one another; here each waits until the one before it
 * has begun. It only spares publishers refusals: the log itself keeps the order.
 */
export class PublisherTurns {
  /** By namespace and publisher; who was heard of last is last. */
  readonly #lines = new Map<string, Line>();

  /** Returns when a batch may begin: at once (undefined) when it is its turn, or when the one before it does not come. */
  take(key: string, number: number): Promise<void> | undefined {
    const line = this.#provide(key, number);
    if (number === line.next) advance(line);
    const isEarly = number > line.next && number - line.next < limits.eventPublisherBatchesKept;
    if (!isEarly || line.waiting.has(number)) return undefined;
    return new Promise((resolve) => {
      const giveUp = (): void => {
        line.waiting.delete(number);
        resolve();
      };
      const timer = setTimeout(giveUp, limits.eventTurnWaitMs);
      line.waiting.set(number, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #provide(key: string, number: number): Line {
    // A publisher that nobody knows here goes on where it is, as after a restart.
    const line = this.#lines.get(key) ?? { next: number, waiting: new Map<number, () => void>() };
    this.#lines.delete(key);
    this.#lines.set(key, line);
    if (this.#lines.size > limits.eventPublisherTurnsMax) {
      const [oldest] = this.#lines.keys();
      if (oldest !== undefined) this.#lines.delete(oldest);
    }
    return line;
  }
}

/** The turn of the next batch, and of those behind it that are here already, in their order. */
function advance(line: Line): void {
  line.next += 1;
  for (;;) {
    const begin = line.waiting.get(line.next);
    if (begin === undefined) return;
    line.waiting.delete(line.next);
    line.next += 1;
    begin();
  }
}
