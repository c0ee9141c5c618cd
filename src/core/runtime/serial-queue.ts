/** Runs tasks one after the other, in the order in which they were given. A failed task does not stop the next. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => T | Promise<T>): Promise<T> {
    const turn = this.#last.then(task);
    // Who gave the task gets its failure; the queue only waits for its end.
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves when all tasks that were given so far have ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
