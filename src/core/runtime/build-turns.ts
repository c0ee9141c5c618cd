import { MicroError } from "#base/error.ts";

/** Lets a few builds run at a time; the others wait in the order in which they came. */
export class BuildTurns {
  readonly #countMax: number;
  #count = 0;
  readonly #waiting = new Set<() => void>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** @throws MicroError `cancelled` when `signal` aborts before its turn, and what `work` throws. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#count >= this.#countMax) await this.#wait(signal);
    if (signal.aborted) throw new MicroError("cancelled", "the build was ended");
    this.#count += 1;
    try {
      return await work();
    } finally {
      this.#count -= 1;
      const [next] = this.#waiting;
      next?.();
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        this.#waiting.delete(go);
        signal.removeEventListener("abort", go);
        resolve();
      };
      this.#waiting.add(go);
      signal.addEventListener("abort", go, { once: true });
      if (signal.aborted) go();
    });
  }
}
