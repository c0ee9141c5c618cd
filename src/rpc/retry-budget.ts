import { systemClock, type Clock } from "#base/clock.ts";

export interface RetryBudgetOptions {
  /** Attempts beyond the first that each call allows. @default 0.2 – a service that fails gets at most a fifth more work */
  readonly share?: number;
  /** What is allowed without any calls before, and comes back within ten seconds: a restart must not cost a quiet service its calls. @default 1_000 */
  readonly reserve?: number;
  readonly clock?: Clock;
}

/** The reserve is whole again after this long without a retry, in milliseconds. */
const refillMs = 10_000;

/**
 * How often calls may be tried again, all callers together: a share of the calls there are, beyond a reserve. When many
 * fail at once, trying each of them again would be what keeps a service down.
 */
export class RetryBudget {
  readonly #share: number;
  readonly #reserve: number;
  readonly #clock: Clock;
  #left: number;
  #filledAtMs: number;

  constructor(options: RetryBudgetOptions = {}) {
    this.#share = options.share ?? 0.2;
    this.#reserve = options.reserve ?? 1_000;
    this.#clock = options.clock ?? systemClock;
    this.#left = this.#reserve;
    this.#filledAtMs = this.#clock.now();
  }

  /** A call was made. */
  noteCall(): void {
    // No more than twice the reserve, so that a busy day does not pay for a storm.
    if (this.#left < 2 * this.#reserve) this.#left += this.#share;
  }

  /** True when a call may be tried once more; that attempt is then spent. */
  spend(): boolean {
    this.#refill();
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  /** True when nothing is missing from the reserve. */
  get isFull(): boolean {
    this.#refill();
    return this.#left >= this.#reserve;
  }

  #refill(): void {
    const nowMs = this.#clock.now();
    const due = ((nowMs - this.#filledAtMs) / refillMs) * this.#reserve;
    this.#filledAtMs = nowMs;
    if (this.#left < this.#reserve) this.#left = Math.min(this.#reserve, this.#left + Math.max(0, due));
  }
}
