import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { Interruption } from "#rpc/interruption.ts";

/** The answers that are streams and have not ended, so that a server that stops can tell their readers. */
export class LiveStreams {
  readonly #interruptions = new Set<Interruption>();

  get size(): number {
    return this.#interruptions.size;
  }

  /**
   * The same messages, which fail with `unavailable` when the server stops.
   *
   * @param onEnd hears once that they are over, whoever ended them.
   * @throws MicroError `unavailable` for one too many.
   */
  follow(messages: AsyncIterator<Uint8Array>, onEnd: () => void): AsyncIterator<Uint8Array> {
    if (this.#interruptions.size >= limits.liveStreamCountMax) {
      throw new MicroError("unavailable", `the server has ${limits.liveStreamCountMax} streams under way already`);
    }
    const interruption = new Interruption();
    const forget = (): void => {
      if (this.#interruptions.delete(interruption)) onEnd();
    };
    this.#interruptions.add(interruption);
    return {
      next: async () => {
        try {
          const result = await interruption.until(messages.next());
          if (result.done === true) forget();
          return result;
        } catch (reason) {
          forget();
          throw reason;
        }
      },
      return: async () => {
        forget();
        await messages.return?.();
        return { done: true, value: undefined };
      },
    };
  }

  /** Tells all readers that the server stops. */
  end(): void {
    for (const interruption of this.#interruptions) {
      interruption.interrupt(new MicroError("unavailable", "the server stops"));
    }
  }
}
