import type { Clock } from "#base/clock.ts";

/** Timers hold no more than this many milliseconds; who wants to wait longer is woken early. */
const timerMsMax = 2_147_483_647;

/** One timer for many moments: it wakes at the earliest, early rather than late. */
export class Alarm {
  readonly #clock: Clock;
  readonly #onTime: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #atMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onTime: () => void) {
    this.#clock = clock;
    this.#onTime = onTime;
  }

  /** Wakes no later than this. Costs nothing where an earlier moment is set, which is why nothing takes moments back. */
  set(atMs: number): void {
    if (atMs >= this.#atMs) return;
    clearTimeout(this.#timer);
    this.#atMs = atMs;
    const waitMs = Math.min(timerMsMax, Math.max(1, atMs - this.#clock.now()));
    this.#timer = setTimeout(() => {
      this.clear();
      this.#onTime();
    }, waitMs);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#atMs = Number.POSITIVE_INFINITY;
  }
}
