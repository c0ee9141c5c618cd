import { describe, expect, it } from "bun:test";
import { makeId, makeIdPrefix, parseId } from "./log-id.ts";

describe("parseId()", () => {
  it("finds the place in an id that was made for the topic", () => {
    const prefix = makeIdPrefix();
    expect(parseId(prefix, makeId(prefix, 17))).toBe(17);
  });

  it("takes no other id for one", () => {
    for (const id of ["a-1", "ab-", "ab-0", "ab-01", "ab-1x", "ab--1", "ab-1.5", "ab", "xab-1"]) {
      expect(parseId("ab", id)).toBeUndefined();
    }
  });
});
