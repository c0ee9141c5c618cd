/** Says how long to wait so that a flow stays below a rate. A second's worth may come at once. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  #paidUntilMs = 0;

  /** @param nowMs a clock that never goes back. */
  constructor(perSecond: number, nowMs: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
  }

  /** Takes `amount` and returns the wait before the next, in milliseconds. */
  take(amount: number): number {
    const nowMs = this.#nowMs();
    this.#paidUntilMs = Math.max(nowMs, this.#paidUntilMs) + (amount / this.#perSecond) * 1_000;
    return Math.max(0, this.#paidUntilMs - nowMs - 1_000);
  }
}
