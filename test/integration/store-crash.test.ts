import { describe, expect, it } from "bun:test";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import { baseEnvironment } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

const program = new URL("../fixtures/write-store.ts", import.meta.url).pathname;
const scope = { database: "micro", table: "things" };
const roundCount = 10;

/** Keys that a writing process acknowledged before it was killed, after a random number of them. */
async function writeAndKill(folder: string, round: number): Promise<string[]> {
  const child = Bun.spawn([process.execPath, program, folder, String(round)], {
    env: baseEnvironment(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const killAfter = 1 + Math.floor(Math.random() * 3_000);
  const decoder = new TextDecoder();
  let text = "";
  let isKilled = false;
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (isKilled || text.split("\n").length <= killAfter) continue;
    child.kill("SIGKILL");
    isKilled = true;
  }
  await child.exited;
  // The last line may be cut off.
  return text.split("\n").slice(0, -1);
}

describe("SqliteStore after kill -9", () => {
  it(
    "has every write that was acknowledged, and no half of a batch",
    async () => {
      await using temp = await createTempFolder();
      const acknowledged: string[] = [];
      for (let round = 0; round < roundCount; round += 1) {
        acknowledged.push(...(await writeAndKill(temp.path, round)));
        const store = await SqliteStore.open({ folder: temp.path });
        const keys = new Set(await store.keys(scope));
        expect(acknowledged.filter((key) => !keys.has(key))).toEqual([]);
        expect([...keys].filter((key) => !key.endsWith("-twin") && !keys.has(`${key}-twin`))).toEqual([]);
        expect(keys.size % 2).toBe(0);
        await store.close();
      }
      expect(acknowledged.length).toBeGreaterThan(roundCount);
    },
    { timeout: 60_000 },
  );
});
