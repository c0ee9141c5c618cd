import { systemClock, type Clock } from "#base/clock.ts";

/**
 * Counts the streams that a caller reset before they were answered. Opening and dropping streams costs a caller nothing and
 * us work each time, so there is an end to it on one connection.
 */
export class ResetGuard {
  readonly #countMax: number;
  readonly #clock: Clock;
  #count = 0;
  #countedAtMs: number;

  /** @param countMax resets that are forgiven at once; a tenth of them is forgiven each second. */
  constructor(countMax: number, clock: Clock = systemClock) {
    this.#countMax = countMax;
    this.#clock = clock;
    this.#countedAtMs = clock.now();
  }

  /** One more. False when it was one too many. */
  note(): boolean {
    const nowMs = this.#clock.now();
    const forgiven = ((nowMs - this.#countedAtMs) / 1_000) * (this.#countMax / 10);
    this.#countedAtMs = nowMs;
    this.#count = Math.max(0, this.#count - forgiven) + 1;
    return this.#count <= this.#countMax;
  }
}
