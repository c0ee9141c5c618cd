/** How often something may happen. */
export interface Rate {
  /** Tokens that come back in a second. */
  readonly perSecond: number;
  /** Tokens that may be saved, and so spent at once. At least 1. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * A token bucket for each of many keys. Of keys beyond `countMax` the one that was not seen for the longest time is
 * forgotten, which gives it a full bucket again: memory is bounded, and a flood of keys makes nobody wait for another.
 */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #countMax: number;
  /** In the order of their last use. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate, countMax: number) {
    this.#rate = rate;
    this.#countMax = countMax;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one token: 0 when there was one, else the milliseconds until there is. */
  take(key: string, nowMs: number): number {
    const { perSecond, burst } = this.#rate;
    const bucket = this.#buckets.get(key) ?? { tokens: burst, atMs: nowMs };
    // A clock that was set back gives nothing and takes nothing.
    const passedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.tokens = Math.min(burst, bucket.tokens + (passedMs / 1_000) * perSecond);
    bucket.atMs = nowMs;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#countMax) this.#forgetOldest();
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / perSecond) * 1_000);
    bucket.tokens -= 1;
    return 0;
  }

  #forgetOldest(): void {
    for (const key of this.#buckets.keys()) {
      this.#buckets.delete(key);
      return;
    }
  }
}
