import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { addPlaces, countPlaces, decodePlaces, encodePlaces, PlaceReader } from "./event-places.ts";
import { addPlacesToRuns, type GrowingRun } from "./published-runs.ts";

const run = fc.record({ place: fc.integer({ min: 1, max: 50 }), count: fc.integer({ min: 1, max: 20 }) });
const duplicate = fc.record({ place: fc.integer({ min: -50, max: -1 }), count: fc.constant(1) });

describe("addPlaces()", () => {
  it("keeps every place in its order, those that follow one another together", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(run, duplicate), { maxLength: 20 }), (added) => {
        const places: number[] = [];
        for (const { place, count } of added) addPlaces(places, place, count);
        const each = added.flatMap(({ place, count }) => Array.from({ length: count }, (_, index) => place + index));
        expect(countPlaces(places)).toBe(each.length);
        expect(decodePlaces(encodePlaces(places))).toEqual(places);
        const runs: GrowingRun[] = [];
        addPlacesToRuns(runs, "p", each.length, new PlaceReader(places));
        expect(
          runs.flatMap(({ firstSequence, count, isDuplicate }) =>
            Array.from({ length: count }, (_, index) => (isDuplicate ? -1 : 1) * (firstSequence + index)),
          ),
        ).toEqual(each);
      }),
    );
  });

  it("makes one pair of what follows", () => {
    const places: number[] = [];
    addPlaces(places, 5, 3);
    addPlaces(places, 8, 2);
    addPlaces(places, -8, 1);
    addPlaces(places, -7, 1);
    addPlaces(places, 10, 1);
    expect(places).toEqual([5, 5, -8, 1, -7, 1, 10, 1]);
  });
});

describe("decodePlaces()", () => {
  it("reads duplicates that earlier versions kept together", () => {
    expect(decodePlaces(encodePlaces([3, 2, -7, 2, 9, 1]))).toEqual([3, 2, -7, 1, -6, 1, 9, 1]);
  });
});
