import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { afterSeparator, compareKeys, encodeIndexValue, encodeText, separator, type IndexValue } from "./model-key.ts";

const text = fc.string({ unit: "binary" });
const nearText = fc.string({ unit: fc.constantFrom("\u0000", " ", "!", '"', "#", "2", "0", "a", "\uffff", "😀") });
const number = fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.float({ noNaN: true }));
const date = fc.date({ noInvalidDate: true });

/** Order of strings by code points, the plain way. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** As the store orders keys. */
function compareEncoded(a: IndexValue, b: IndexValue): number {
  return Math.sign(compareText(encodeIndexValue(a) + separator, encodeIndexValue(b) + separator));
}

describe("encodeIndexValue()", () => {
  it("keeps the order of numbers", () => {
    fc.assert(fc.property(number, number, (a, b) => expect(compareEncoded(a, b)).toBe(a < b ? -1 : a > b ? 1 : 0)));
  });

  it("keeps the order of numbers at the edges", () => {
    const ordered = [-Infinity, -1e300, -256, -1.5, -1, -5e-324, 0, 5e-324, 0.1, 1, 1.5, 2, 10, 256, 1e300, Infinity];
    for (const [index, value] of ordered.entries()) {
      for (const [otherIndex, other] of ordered.entries()) {
        expect(compareEncoded(value, other)).toBe(Math.sign(index - otherIndex));
      }
    }
    expect(compareEncoded(0, -0)).toBe(0);
  });

  it("keeps the order of strings by code points", () => {
    const property = fc.property(fc.oneof(text, nearText), fc.oneof(text, nearText), (a, b) => {
      fc.pre(a.isWellFormed() && b.isWellFormed());
      expect(compareEncoded(a, b)).toBe(Math.sign(compareText(a, b)));
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it("keeps the order of dates", () => {
    fc.assert(
      fc.property(date, date, (a, b) => expect(compareEncoded(a, b)).toBe(Math.sign(a.getTime() - b.getTime()))),
    );
  });

  it("puts false before true", () => {
    expect(compareEncoded(false, true)).toBe(-1);
  });

  it("never mixes kinds, nor a value with what follows it", () => {
    const value = fc.oneof(nearText, number, date, fc.boolean());
    const property = fc.property(value, nearText, value, nearText, (a, keyA, b, keyB) => {
      const whole = (each: IndexValue, key: string): string =>
        `${encodeIndexValue(each)}${separator}${encodeText(key)}`;
      const isSame = compareEncoded(a, b) === 0 && keyA === keyB;
      expect(whole(a, keyA) === whole(b, keyB)).toBe(isSame);
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it("leaves a bound right behind every key that begins with the value", () => {
    fc.assert(
      fc.property(nearText, nearText, nearText, (a, b, key) => {
        const bound = encodeIndexValue(a) + afterSeparator;
        const entry = `${encodeIndexValue(b)}${separator}${encodeText(key)}`;
        expect(compareText(entry, bound) < 0).toBe(compareText(b, a) <= 0);
      }),
      { numRuns: 1_000 },
    );
  });

  it("refuses what has no order", () => {
    expect(() => encodeIndexValue(Number.NaN)).toThrow("NaN");
    expect(() => encodeIndexValue(new Date(Number.NaN))).toThrow("invalid date");
    expect(() => encodeIndexValue("\ud800")).toThrow("surrogate");
  });
});

describe("compareKeys()", () => {
  it("orders as UTF-8 does", () => {
    fc.assert(
      fc.property(fc.oneof(text, nearText), fc.oneof(text, nearText), (a, b) => {
        fc.pre(a.isWellFormed() && b.isWellFormed());
        expect(Math.sign(compareKeys(a, b))).toBe(Math.sign(compareText(a, b)));
      }),
    );
  });
});
