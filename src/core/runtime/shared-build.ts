import { MicroError } from "#base/error.ts";

/** One build that several wait for: it ends early when nobody does any more. */
export class SharedBuild {
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #waiterCount = 0;

  constructor(build: (signal: AbortSignal) => Promise<void>) {
    this.#done = build(this.#abort.signal);
    // Told to those who wait; there may be nobody left.
    this.#done.catch(() => undefined);
  }

  /** @throws MicroError `cancelled` when `signal` aborts, and what the build throws. */
  async wait(signal: AbortSignal): Promise<void> {
    const left = Promise.withResolvers<"left">();
    const leave = (): void => left.resolve("left");
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    this.#waiterCount += 1;
    try {
      const outcome = await Promise.race([this.#done, left.promise]);
      if (outcome !== "left") return;
    } finally {
      this.#waiterCount -= 1;
      signal.removeEventListener("abort", leave);
    }
    if (this.#waiterCount === 0) {
      // Whoever ends it may count on its processes being gone.
      this.#abort.abort();
      await this.#done.catch(() => undefined);
    }
    throw new MicroError("cancelled", "the build was ended");
  }
}
