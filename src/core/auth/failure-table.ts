import type { Clock } from "#base/clock.ts";
import { limits } from "#base/limits.ts";

interface Failures {
  /** Failures in a row, none of them further from the one before than the window. */
  readonly count: number;
  readonly lastMs: number;
  readonly blockedUntilMs: number;
}

export interface FailureTableDeps {
  readonly clock: Clock;
  /** The failure of this number is the first that makes wait. */
  readonly freeCount: number;
}

/** Counts failures by key, and how long each key has to wait for them. Holds limits.loginThrottleCountMax keys. */
export class FailureTable {
  readonly #clock: Clock;
  readonly #freeCount: number;
  readonly #byKey = new Map<string, Failures>();

  constructor({ clock, freeCount }: FailureTableDeps) {
    this.#clock = clock;
    this.#freeCount = freeCount;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Milliseconds since the epoch; 0 when the key never had to wait. */
  blockedUntilMs(key: string): number {
    return this.#byKey.get(key)?.blockedUntilMs ?? 0;
  }

  add(key: string): void {
    const nowMs = this.#clock.now();
    const known = this.#byKey.get(key);
    const isOld =
      known === undefined || nowMs - Math.max(known.lastMs, known.blockedUntilMs) > limits.loginFailureWindowMs;
    const count = isOld ? 1 : known.count + 1;
    const excess = count - this.#freeCount;
    const waitMs = excess < 0 ? 0 : Math.min(limits.loginWaitMaxMs, limits.loginWaitMs * 2 ** excess);
    // Deleting first moves the key to the end: the one that failed longest ago is forgotten first.
    this.#byKey.delete(key);
    this.#byKey.set(key, { count, lastMs: nowMs, blockedUntilMs: nowMs + waitMs });
    this.#forgetOldest();
  }

  delete(key: string): void {
    this.#byKey.delete(key);
  }

  #forgetOldest(): void {
    if (this.#byKey.size <= limits.loginThrottleCountMax) return;
    const [oldest] = this.#byKey.keys();
    if (oldest !== undefined) this.#byKey.delete(oldest);
  }
}
