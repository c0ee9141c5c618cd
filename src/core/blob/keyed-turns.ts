/** Lets work on one key run one at a time, in the order in which it came; work on different keys does not wait. */
export class KeyedTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(work);
    // Who gave the work gets its failure; the next one only waits for its end.
    const ended = turn.catch(() => undefined);
    this.#last.set(key, ended);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === ended) this.#last.delete(key);
    }
  }

  /** Resolves when everything that was given so far has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}
