import { describe, expect, it } from "bun:test";
import { toPublishedRuns } from "./published-runs.ts";

describe("toPublishedRuns()", () => {
  it("lays places on the ids of their events, however both are cut up", () => {
    const named = [
      { idPrefix: "a", count: 3 },
      { idPrefix: "a", count: 2 },
      { idPrefix: "", count: 1 },
      { idPrefix: "b", count: 2 },
    ];
    expect(toPublishedRuns(named, [10, 4, 20, 1, -7, 1, 3, 2])).toEqual([
      { idPrefix: "a", firstSequence: 10, count: 4, isDuplicate: false },
      { idPrefix: "a", firstSequence: 20, count: 1, isDuplicate: false },
      { idPrefix: "", firstSequence: 7, count: 1, isDuplicate: true },
      { idPrefix: "b", firstSequence: 3, count: 2, isDuplicate: false },
    ]);
  });

  it("gives nothing for a write that was refused", () => {
    expect(toPublishedRuns([{ idPrefix: "a", count: 3 }], [])).toEqual([]);
  });
});
