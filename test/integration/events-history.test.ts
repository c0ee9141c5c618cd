import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { systemClock } from "#base/clock.ts";
import { MemoryEventLog } from "#core/events/memory-event-log.ts";
import { SqliteEventLog } from "#core/events/sqlite-event-log.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { EventHistory, type Step } from "./events-history.ts";

const pick = fc.nat(1_000);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("publish" as const), pick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("join" as const), pick }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom("read" as const), pick }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("acknowledge" as const), pick }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("refuse" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("leave" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("redrive" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("pause" as const), pick }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("crash" as const),
      pick,
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
);

const life = fc.array(step, { minLength: 30, maxLength: 150, size: "max" });

describe("events of groups whose members join, leave, refuse and die", () => {
  it("are sent at least once, in order to one member, and never again once that is kept", async () => {
    await fc.assert(
      fc.asyncProperty(life, async (steps) => {
        const history = new EventHistory(new MemoryEventLog({ clock: systemClock }));
        for (const each of steps) await history.take(each);
        await history.finish();
        expect(history.violations).toEqual([]);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it("are so on disk, too", async () => {
    await fc.assert(
      fc.asyncProperty(life, async (steps) => {
        await using folder = await createTempFolder();
        const log = await SqliteEventLog.open({ folder: folder.path });
        const history = new EventHistory(log);
        for (const each of steps) await history.take(each);
        await history.finish();
        await log.close();
        expect(history.violations).toEqual([]);
      }),
      { numRuns: 10 },
    );
  }, 60_000);
});
