import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MinHeap } from "./min-heap.ts";

describe("MinHeap", () => {
  it("gives the smallest first, whatever was added and removed", () => {
    const numbers = fc.array(fc.nat(100));
    fc.assert(
      fc.property(numbers, numbers, (added, removed) => {
        const items = added.map((rank) => ({ rank }));
        const heap = new MinHeap<{ rank: number }>((item) => item.rank);
        for (const item of items) heap.push(item);
        const gone = new Set(removed.map((index) => items[index]));
        for (const item of gone) if (item !== undefined) heap.remove(item);
        const expected = items.filter((item) => !gone.has(item)).map(({ rank }) => rank);
        expect(heap.size).toBe(expected.length);
        const given: number[] = [];
        for (let item = heap.pop(); item !== undefined; item = heap.pop()) given.push(item.rank);
        expect(given).toEqual(expected.toSorted((a, b) => a - b));
      }),
    );
  });
});
