import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import type { StoredEvent } from "#interface/events.ts";
import type { GroupPlace } from "./event-log.ts";
import { GroupProgress } from "./group-progress.ts";

const none: ReadonlySet<never> = new Set<never>();

describe("GroupProgress", () => {
  it("is at its place before anything is read", () => {
    for (const place of [
      { floor: 0, done: [] },
      { floor: 7, done: [9, 12, 20, 21] },
    ]) {
      const progress = new GroupProgress(place);
      expect(progress.nextSequence).toBe(place.floor + 1);
      expect(progress.toPlace(none)).toEqual(place);
    }
  });

  it("keeps ranges that are done behind what is open", () => {
    const progress = new GroupProgress({ floor: 0, done: [8, 10] });
    const [, b, c, d, e] = [1, 2, 3, 4, 5].map((sequence) => {
      progress.take(sequence);
      return progress.open(event(sequence));
    });
    if (b === undefined || c === undefined || d === undefined || e === undefined) throw new Error("five were opened");
    for (const each of [b, c, e]) progress.finish(each);
    expect(progress.floor).toBe(0);
    expect(progress.toPlace(none)).toEqual({ floor: 0, done: [2, 4, 5, 6, 8, 10] });
    expect(progress.toPlace(new Set([d]))).toEqual({ floor: 0, done: [2, 6, 8, 10] });
  });

  it("counts places that the topic no longer has as done", () => {
    const progress = new GroupProgress({ floor: 0, done: [3, 5] });
    expect(progress.take(100)).toBe(true);
    expect(progress.toPlace(none)).toEqual({ floor: 100, done: [] });
  });

  it("finds events by id, also one that was replaced by another with its id", () => {
    const progress = new GroupProgress({ floor: 0, done: [] });
    progress.take(1);
    const old = progress.open({ ...event(1), id: "x" });
    progress.take(2);
    const young = progress.open({ ...event(2), id: "x" });
    progress.finish(old);
    expect(progress.findById("x")).toBe(young);
    progress.finish(young);
    expect(progress.findById("x")).toBeUndefined();
  });

  it("goes on from its own place with exactly what is not done", () => {
    const lives = fc.array(fc.record({ taken: fc.nat(12), finished: fc.array(fc.nat(11)) }), { maxLength: 5 });
    fc.assert(
      fc.property(lives, (life) => {
        const done = new Set<number>();
        let place: GroupPlace = { floor: 0, done: [] };
        for (const { taken, finished } of life) {
          const progress = new GroupProgress(place);
          const opened = [];
          for (let count = 0; count < taken; count += 1) {
            const sequence = progress.nextSequence;
            const isNew = progress.take(sequence);
            expect(isNew).toBe(!done.has(sequence));
            if (isNew) opened.push(progress.open(event(sequence)));
          }
          for (const index of finished) {
            const delivery = opened[index];
            if (delivery === undefined) continue;
            progress.finish(delivery);
            done.add(delivery.sequence);
          }
          place = progress.toPlace(none);
          expect(placesOf(place)).toEqual([...done].toSorted((a, b) => a - b));
          expect(place.done.every((edge, index) => edge > (place.done[index - 1] ?? place.floor))).toBe(true);
          expect(progress.floor).toBe(place.floor);
        }
      }),
    );
  });
});

function event(sequence: number): StoredEvent {
  return {
    namespace: "n",
    topic: "t",
    id: `id-${sequence}`,
    sequence,
    payload: new Uint8Array(0),
    metadata: {},
    timestampMs: 0,
  };
}

function placesOf({ floor, done }: GroupPlace): number[] {
  const places = Array.from({ length: floor }, (_, index) => index + 1);
  for (let index = 0; index < done.length; index += 2) {
    for (let sequence = done[index] ?? 0; sequence < (done[index + 1] ?? 0); sequence += 1) places.push(sequence);
  }
  return places;
}
