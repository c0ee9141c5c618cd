import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { mergeSorted } from "./merge-sorted.ts";

async function* each(values: readonly number[], onEnd?: () => void): AsyncGenerator<number> {
  try {
    yield* values;
  } finally {
    onEnd?.();
  }
}

describe("mergeSorted()", () => {
  it("gives everything in order, whatever the sequences are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.integer())), async (lists) => {
        const sorted = lists.map((list) => list.toSorted((a, b) => a - b));
        const merged = await Array.fromAsync(
          mergeSorted(
            sorted.map((list) => each(list)),
            (value) => value,
          ),
        );
        expect(merged).toEqual(lists.flat().toSorted((a, b) => a - b));
      }),
    );
  });

  it("ends the others when its reader leaves", async () => {
    let ended = 0;
    const sequences = [[1, 4], [2, 5], [3]].map((list) => each(list, () => void (ended += 1)));
    for await (const value of mergeSorted(sequences, (item) => item)) if (value === 2) break;
    expect(ended).toBe(3);
  });
});
