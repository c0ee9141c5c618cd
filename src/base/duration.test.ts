import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "./duration.ts";

describe("parseDuration()", () => {
  it("reads one or several units", () => {
    expect(parseDuration("500ms")).toBe(500);
    expect(parseDuration("1h30m")).toBe(5_400_000);
    expect(parseDuration("1.5s")).toBe(1_500);
  });

  it("reads back what formatDuration() writes, to the unit shown", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 59 }), fc.integer({ min: 1, max: 59 }), (seconds, minutes) => {
        const ms = (minutes * 60 + seconds) * 1_000;
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  it("refuses a number without a unit and everything else, with what would be right", () => {
    for (const text of ["", "5", "s", "5 s", "-5s", "5y", "1s2"]) expect(() => parseDuration(text)).toThrow("500ms");
  });
});
