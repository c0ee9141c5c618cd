import { describe, expect, it } from "bun:test";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import { createPowerCut } from "#testing/power-cut.ts";
import { canPreload } from "#testing/preload-library.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { runAndKill } from "./run-and-kill.ts";

const program = new URL("../fixtures/write-store.ts", import.meta.url).pathname;
const scope = { database: "micro", table: "things" };
const roundCount = 10;
const lineCountMax = 3_000;

/** What of a store is there after a round, and whether every batch in it is whole. */
async function checkKeys(folder: string, acknowledged: readonly string[]): Promise<void> {
  const store = await SqliteStore.open({ folder });
  const keys = new Set(await store.keys(scope));
  await store.close();
  expect(acknowledged.filter((key) => !keys.has(key))).toEqual([]);
  expect([...keys].filter((key) => !key.endsWith("-twin") && !keys.has(`${key}-twin`))).toEqual([]);
  expect(keys.size % 2).toBe(0);
}

describe("SqliteStore after kill -9", () => {
  it("has every write that was acknowledged, and no half of a batch", async () => {
    await using temp = await createTempFolder();
    const acknowledged: string[] = [];
    for (let round = 0; round < roundCount; round += 1) {
      acknowledged.push(...(await runAndKill({ program, args: [temp.path, String(round)], lineCountMax })));
      await checkKeys(temp.path, acknowledged);
    }
    expect(acknowledged.length).toBeGreaterThan(roundCount);
  });
});

describe("SqliteStore after a power cut", () => {
  it.skipIf(!canPreload())("has every write that was acknowledged, and no half of a batch", async () => {
    await using temp = await createTempFolder();
    await using cut = await createPowerCut(temp.path);
    const acknowledged: string[] = [];
    for (let round = 0; round < roundCount; round += 1) {
      await cut.arm(["store"]);
      acknowledged.push(
        ...(await runAndKill({ program, args: [`${temp.path}/store`, String(round)], lineCountMax, env: cut.env })),
      );
      await cut.strike(["store"]);
      await checkKeys(`${temp.path}/store`, acknowledged);
    }
    expect(acknowledged.length).toBeGreaterThan(roundCount);
  });
});
