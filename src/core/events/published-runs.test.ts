import { describe, expect, it } from "bun:test";
import { PlaceReader } from "./event-places.ts";
import { addPlacesToRuns, type GrowingRun } from "./published-runs.ts";

describe("addPlacesToRuns()", () => {
  it("lays places on the ids of their events, however both are cut up", () => {
    const places = new PlaceReader([10, 4, 20, 1, -7, 1, 3, 2]);
    const runs: GrowingRun[] = [];
    addPlacesToRuns(runs, "a", 3, places);
    addPlacesToRuns(runs, "a", 2, places);
    addPlacesToRuns(runs, "", 1, places);
    addPlacesToRuns(runs, "b", 2, places);
    expect(runs).toEqual([
      { idPrefix: "a", firstSequence: 10, count: 4, isDuplicate: false },
      { idPrefix: "a", firstSequence: 20, count: 1, isDuplicate: false },
      { idPrefix: "", firstSequence: 7, count: 1, isDuplicate: true },
      { idPrefix: "b", firstSequence: 3, count: 2, isDuplicate: false },
    ]);
  });

  it("gives one caller's part of a run to him and the rest to the next", () => {
    const places = new PlaceReader([5, 3]);
    const [first, second]: [GrowingRun[], GrowingRun[]] = [[], []];
    addPlacesToRuns(first, "a", 1, places);
    addPlacesToRuns(second, "a", 2, places);
    expect([first, second]).toMatchObject([[{ firstSequence: 5, count: 1 }], [{ firstSequence: 6, count: 2 }]]);
  });
});
