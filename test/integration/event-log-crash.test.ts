import { describe, expect, it } from "bun:test";
import { SqliteEventLog } from "#core/events/sqlite-event-log.ts";
import type { StoredEvent } from "#interface/events.ts";
import { createPowerCut } from "#testing/power-cut.ts";
import { canPreload } from "#testing/preload-library.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { runAndKill } from "./run-and-kill.ts";

const program = new URL("../fixtures/write-events.ts", import.meta.url).pathname;
const namespace = "micro";
const roundCount = 10;
const lineCountMax = 3_000;

/** Whether topics have no gap, every acknowledged event is at its place with its id, and groups are where they were put. */
async function checkLog(folder: string, acknowledged: readonly string[]): Promise<void> {
  const log = await SqliteEventLog.open({ folder });
  try {
    const found = new Map<string, StoredEvent>();
    for (const topic of ["a", "b"]) {
      const events = log.read({ namespace, topic }, { sequence: 1, countMax: 10_000_000, bytesMax: 1e12 });
      expect(events.findIndex((event, index) => event.sequence !== index + 1)).toBe(-1);
      const { lastSequence = 0, bytes = 0 } = log.topic({ namespace, topic }) ?? {};
      expect(lastSequence).toBe(events.length);
      const given = (event: StoredEvent): number => (/^\d+-\d+-\d+$/.test(event.id) ? event.id.length : 0);
      expect(bytes).toBe(events.reduce((sum, event) => sum + event.payload.length + given(event), 0));
      for (const event of events) found.set(`${topic} ${event.sequence} ${event.id}`, event);
    }
    const decoder = new TextDecoder();
    const lost = acknowledged.filter((line) => {
      const at = line.lastIndexOf(" ");
      const event = found.get(line.slice(0, at));
      return event === undefined || decoder.decode(event.payload) !== line.slice(at + 1);
    });
    expect(lost).toEqual([]);
    checkPlaces(log, acknowledged);
  } finally {
    await log.close();
  }
}

/** A group's place came with the event of the same number, so it is never behind one that was acknowledged. */
function checkPlaces(log: SqliteEventLog, acknowledged: readonly string[]): void {
  const newest = acknowledged.at(-1)?.split(" ").at(-1)?.split("-")[0];
  const behind = acknowledged.filter((line) => {
    const [topic = "", , , text = ""] = line.split(" ");
    const [round, publisher = "", index = "0"] = text.split("-");
    if (round !== newest) return false;
    const place = log.place({ namespace, topic, group: `group-${publisher}` });
    return place === undefined || place.floor < Number(index);
  });
  expect(behind).toEqual([]);
}

describe("SqliteEventLog after kill -9", () => {
  it("has every acknowledged event at its place, without gaps", async () => {
    await using temp = await createTempFolder();
    const acknowledged: string[] = [];
    for (let round = 0; round < roundCount; round += 1) {
      acknowledged.push(...(await runAndKill({ program, args: [temp.path, String(round)], lineCountMax })));
      await checkLog(temp.path, acknowledged);
    }
    expect(acknowledged.length).toBeGreaterThan(roundCount);
  }, 60_000);
});

describe("SqliteEventLog after a power cut", () => {
  it.skipIf(!canPreload())(
    "has every acknowledged event at its place, without gaps",
    async () => {
      await using temp = await createTempFolder();
      await using cut = await createPowerCut(temp.path);
      const acknowledged: string[] = [];
      for (let round = 0; round < roundCount; round += 1) {
        await cut.arm(["events"]);
        acknowledged.push(
          ...(await runAndKill({ program, args: [`${temp.path}/events`, String(round)], lineCountMax, env: cut.env })),
        );
        await cut.strike(["events"]);
        await checkLog(`${temp.path}/events`, acknowledged);
      }
      expect(acknowledged.length).toBeGreaterThan(roundCount);
    },
    60_000,
  );
});
