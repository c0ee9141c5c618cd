import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { gatherBytes } from "./join-bytes.ts";

describe("gatherBytes()", () => {
  it("joins small pieces and loses no byte", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array()), fc.integer({ min: 1, max: 50 }), async (pieces, bytesMin) => {
        const gathered = await Array.fromAsync(gatherBytes(each(pieces), bytesMin));
        expect(Buffer.compare(Buffer.concat(gathered), Buffer.concat(pieces))).toBe(0);
        expect(gathered.slice(0, -1).every((piece) => piece.length >= bytesMin)).toBe(true);
      }),
    );
  });
});

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
