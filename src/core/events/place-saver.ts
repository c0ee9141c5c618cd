import { backoffMs } from "#base/backoff.ts";
import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import type { Logger } from "#base/logger.ts";

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: MicroError) => void;
}

export interface PlaceSaverDeps {
  /** Writes what is to be kept as it is when it is called. */
  readonly save: () => Promise<void>;
  readonly logger: Logger;
}

/**
 * Saves after changes, never twice at a time: what changes meanwhile is saved together afterwards. A save that failed is
 * tried again until it succeeds.
 */
export class PlaceSaver {
  readonly #save: () => Promise<void>;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #isDirty = false;
  #waiters: Waiter[] = [];
  #running: Promise<void> | undefined;

  constructor({ save, logger }: PlaceSaverDeps) {
    this.#save = save;
    this.#logger = logger;
  }

  /** Something has changed. */
  mark(): void {
    this.#isDirty = true;
    this.#running ??= this.#run();
  }

  /** Resolves when what is true now is on disk. @throws MicroError when the disk refuses it; it is tried again all the same. */
  saved(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.reject(new MicroError("unavailable", "events are stopping"));
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.mark();
    });
  }

  /** Resolves when nothing is being saved; what keeps failing may be unsaved then. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Resolves when nothing is being saved. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // What changes in the same turn is saved at once.
    await Promise.resolve();
    let failureCount = 0;
    while (this.#isDirty) {
      const error = await this.#round();
      failureCount = error === undefined ? 0 : failureCount + 1;
      if (error === undefined) continue;
      if (this.#stopping.signal.aborted) break;
      this.#isDirty = true;
      this.#logger.warn("the place of a group is not saved yet", { error });
      await delay(backoffMs(failureCount), this.#stopping.signal);
    }
    this.#running = undefined;
    for (const { reject } of this.#waiters.splice(0)) reject(new MicroError("unavailable", "events are stopping"));
  }

  async #round(): Promise<MicroError | undefined> {
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#isDirty = false;
    try {
      await this.#save();
      for (const { resolve } of waiters) resolve();
      return undefined;
    } catch (reason) {
      const error = MicroError.from(reason);
      for (const { reject } of waiters) reject(error);
      return error;
    }
  }
}
