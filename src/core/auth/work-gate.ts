import { MicroError } from "#base/error.ts";

/** Lets a few pieces of work run at a time, in the order in which they came, and a bounded number wait. */
export class WorkGate {
  readonly #limits: { readonly concurrencyMax: number; readonly queueCountMax: number };
  #runningCount = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limits: { concurrencyMax: number; queueCountMax: number }) {
    this.#limits = limits;
  }

  /** @throws MicroError `too_many_requests` when too many wait already; else what the work throws. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#runningCount < this.#limits.concurrencyMax) {
      this.#runningCount += 1;
      return;
    }
    if (this.#waiting.length >= this.#limits.queueCountMax) {
      throw new MicroError("too_many_requests", "too many logins at once: wait and try again");
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Hands the place to the next who waits, if somebody does. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#runningCount -= 1;
    else next();
  }
}
