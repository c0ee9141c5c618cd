import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { readLineBatches, splitLines } from "./read-lines.ts";

const brim = { countMax: 3, charsMax: 10 };

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** The bytes of a text, cut at any places. */
const cutText = fc.tuple(fc.string({ unit: "grapheme" }), fc.array(fc.nat(40))).map(([text, cuts]) => {
  const bytes = new TextEncoder().encode(text);
  const places = [...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
  return { text, chunks: places.map((place, index) => bytes.subarray(places[index - 1] ?? 0, place)) };
});

describe("splitLines()", () => {
  it("gives the lines of a text however it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(cutText, async ({ text, chunks }) => {
        const lines = text.split("\n");
        if (lines.at(-1) === "") lines.pop();
        expect(await Array.fromAsync(splitLines(each(chunks)))).toEqual(lines);
      }),
    );
  });

  it("ends lines at a line feed only", async () => {
    const text = "a\u2028b\rc\n\nd";
    const lines = await Array.fromAsync(splitLines(each([new TextEncoder().encode(text)])));
    expect(lines).toEqual(["a\u2028b\rc", "", "d"]);
  });
});

describe("readLineBatches()", () => {
  it("loses no line, keeps the order, and stays below the brim unless one line is above it", async () => {
    await fc.assert(
      fc.asyncProperty(cutText, async ({ chunks }) => {
        const batches = await Array.fromAsync(readLineBatches(each(chunks), brim));
        expect(batches.flat()).toEqual(await Array.fromAsync(splitLines(each(chunks))));
        for (const batch of batches) {
          expect(batch.length).toBeWithin(1, brim.countMax + 1);
          if (batch.length > 1) expect(batch.join("").length).toBeLessThanOrEqual(brim.charsMax);
        }
      }),
    );
  });

  it("gives a line at once when the next is not there yet", async () => {
    const more = Promise.withResolvers<Uint8Array>();
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode("first\n");
      yield await more.promise;
    };
    const batches = readLineBatches(chunks(), brim);
    expect((await batches.next()).value).toEqual(["first"]);
    more.resolve(new TextEncoder().encode("second"));
    expect((await batches.next()).value).toEqual(["second"]);
    expect((await batches.next()).done).toBe(true);
  });
});
