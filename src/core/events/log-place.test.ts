import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { decodePlace, encodePlace } from "./log-place.ts";

describe("encodePlace()", () => {
  it("keeps every place, up to the biggest", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.maxSafeNat(), { minLength: 1, maxLength: 50 }), (numbers) => {
        const [floor = 0, ...done] = numbers.toSorted((a, b) => a - b);
        expect(decodePlace(encodePlace({ floor, done }))).toEqual({ floor, done });
      }),
    );
  });

  it("takes a byte for each end of a range that is near the one before it", () => {
    const done = Array.from({ length: 1_000 }, (_, index) => 1_000_000 + index * 3);
    expect(encodePlace({ floor: 999_999, done }).length).toBe(1_003);
  });
});
