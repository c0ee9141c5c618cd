import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { parseByteRange } from "./byte-range.ts";

const size = fc.nat(1_000);

describe("parseByteRange()", () => {
  it.each([
    ["bytes=0-0", 10, { first: 0, last: 0 }],
    ["bytes=2-", 10, { first: 2, last: 9 }],
    ["bytes=2-99999999999999999999999999", 10, { first: 2, last: 9 }],
    ["bytes=-3", 10, { first: 7, last: 9 }],
    ["bytes=-30", 10, { first: 0, last: 9 }],
    ["BYTES= 1-2 ", 10, { first: 1, last: 2 }],
    ["bytes=10-", 10, "unsatisfiable"],
    ["bytes=99999999999999999999999999-", 10, "unsatisfiable"],
    ["bytes=-0", 10, "unsatisfiable"],
    ["bytes=0-", 0, "unsatisfiable"],
    ["bytes=-5", 0, undefined],
    ["bytes=5-2", 10, undefined],
    ["bytes=0-1,3-4", 10, undefined],
    ["bytes=-", 10, undefined],
    ["bytes=a-b", 10, undefined],
    ["bytes=1.5-2", 10, undefined],
    ["items=0-1", 10, undefined],
    ["", 10, undefined],
  ] as const)("reads %j of %d bytes", (header, sizeBytes, expected) => {
    expect(parseByteRange(header, sizeBytes)).toEqual(expected);
  });

  it("gives a part of the body, nothing, or the whole for any text", () => {
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.constantFrom("bytes=", "bytes", " bytes="), fc.string()).map((parts) => parts.join("")),
      fc.tuple(fc.nat(2_000), fc.nat(2_000)).map(([first, last]) => `bytes=${first}-${last}`),
      fc.stringMatching(/^bytes=[0-9, -]{0,20}$/),
    );
    fc.assert(
      fc.property(text, size, (header, sizeBytes) => {
        const range = parseByteRange(header, sizeBytes);
        if (range === undefined || range === "unsatisfiable") return;
        expect(range.first).toBeGreaterThanOrEqual(0);
        expect(range.last).toBeGreaterThanOrEqual(range.first);
        expect(range.last).toBeLessThan(sizeBytes);
      }),
    );
  });

  it("gives exactly the bytes that are asked for, as far as there are any", () => {
    fc.assert(
      fc.property(fc.nat(1_100), fc.nat(1_100), size, (from, count, sizeBytes) => {
        const all = Array.from({ length: sizeBytes }, (_, index) => index);
        const pick = (header: string): number[] | undefined => {
          const range = parseByteRange(header, sizeBytes);
          return typeof range === "object" ? all.slice(range.first, range.last + 1) : undefined;
        };
        const expected = all.slice(from, from + count + 1);
        expect(pick(`bytes=${from}-${from + count}`) ?? []).toEqual(expected);
        expect(pick(`bytes=${from}-`) ?? []).toEqual(all.slice(from));
        if (sizeBytes > 0 && count > 0) expect(pick(`bytes=-${count}`)).toEqual(all.slice(-count));
      }),
    );
  });
});
