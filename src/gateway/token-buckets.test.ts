import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { TokenBuckets } from "./token-buckets.ts";

describe("TokenBuckets.take()", () => {
  it("gives a burst, then as many as come back", () => {
    const buckets = new TokenBuckets({ perSecond: 2, burst: 3 }, 10);
    expect([1, 2, 3].map(() => buckets.take("a", 0))).toEqual([0, 0, 0]);
    expect(buckets.take("a", 0)).toBe(500);
    expect(buckets.take("a", 500)).toBe(0);
    expect(buckets.take("a", 500)).toBe(500);
    expect(buckets.take("a", 60_000)).toBe(0);
  });

  it("gives each key its own", () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 }, 10);
    expect([buckets.take("a", 0), buckets.take("b", 0), buckets.take("a", 0)]).toEqual([0, 0, 1_000]);
  });

  it("remembers no more keys than it may, and forgets the one that was not seen for the longest time", () => {
    const buckets = new TokenBuckets({ perSecond: 0.001, burst: 1 }, 2);
    for (const key of ["a", "b", "a", "c"]) buckets.take(key, 0);
    expect(buckets.size).toBe(2);
    expect(buckets.take("a", 0)).toBeGreaterThan(0);
    expect(buckets.take("b", 0)).toBe(0);
  });

  it("never gives more than the burst and what came back since, whatever the clock does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -5_000, max: 5_000 }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 50 }),
        (steps, burst) => {
          const buckets = new TokenBuckets({ perSecond: 10, burst }, 1);
          let [nowMs, forwardMs, given] = [0, 0, 0];
          for (const step of steps) {
            nowMs += step;
            forwardMs += Math.max(0, step);
            if (buckets.take("a", nowMs) === 0) given += 1;
          }
          expect(given).toBeLessThanOrEqual(burst + forwardMs / 100 + 1);
        },
      ),
    );
  });
});
