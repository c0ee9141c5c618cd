import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { dealEvenly } from "./deal.ts";

describe("dealEvenly()", () => {
  it("shares evenly, and gives to others what one has no room for", () => {
    expect(dealEvenly(9, [10, 10, 10])).toEqual([3, 3, 3]);
    expect(dealEvenly(10, [10, 2, 10])).toEqual([4, 2, 4]);
    expect(dealEvenly(1, [5, 5])).toEqual([1, 0]);
    expect(dealEvenly(0, [5])).toEqual([0]);
    expect(dealEvenly(3, [0, 5])).toEqual([0, 3]);
  });

  it("deals out everything that there is room for", () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.array(fc.nat(50)), (count, rooms) => {
        const shares = dealEvenly(count, rooms);
        const room = rooms.reduce((sum, each) => sum + each, 0);
        expect(shares.reduce((sum, each) => sum + each, 0)).toBe(Math.min(count, room));
        for (const [index, share] of shares.entries()) expect(share).toBeLessThanOrEqual(rooms[index] ?? 0);
      }),
    );
  });
});
