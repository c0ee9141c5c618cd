import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";

/** Lets the changes of one namespace run one at a time, in the order in which they came. */
export class NamespaceTurns {
  readonly #lines = new Map<string, { last: Promise<unknown>; count: number }>();

  /** @throws MicroError `too_many_requests` when too many wait already, and what `work` throws. */
  async run<T>(namespace: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(namespace) ?? { last: Promise.resolve(), count: 0 };
    if (line.count >= limits.configWaitingCountMax) {
      const detail = `${line.count} changes of namespace ${namespace} are waiting already: try again later`;
      throw new MicroError("too_many_requests", detail);
    }
    const turn = line.last.then(work);
    // Who gave the work gets its failure; the next one only waits for its end.
    line.last = turn.catch(() => undefined);
    line.count += 1;
    this.#lines.set(namespace, line);
    try {
      return await turn;
    } finally {
      line.count -= 1;
      if (line.count === 0) this.#lines.delete(namespace);
    }
  }

  /** Resolves when everything that was given so far has ended. */
  async idle(): Promise<void> {
    await Promise.all([...this.#lines.values()].map((line) => line.last));
  }
}
