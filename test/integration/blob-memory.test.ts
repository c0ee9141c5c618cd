import { describe, expect, it } from "bun:test";
import { runCommand } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

const program = new URL("../fixtures/move-blob.ts", import.meta.url).pathname;
const mebibytes = 300;

describe("a large blob", () => {
  // Both ends of the call over RPC are in one process, with what their queues hold and the garbage of a busy machine.
  it.each([
    ["driver", 150],
    ["rpc", mebibytes],
  ] as const)(
    "is written and read without being in memory, through %s",
    async (way, growthMiBMax) => {
      await using temp = await createTempFolder();
      const command = [process.execPath, program, temp.path, way, String(mebibytes)];
      const { code, stdout, stderr } = await runCommand(command);
      expect([code, stderr]).toEqual([0, ""]);
      const { isSame, emptyMiB, peakMiB } = JSON.parse(stdout) as {
        isSame: boolean;
        emptyMiB: number;
        peakMiB: number;
      };
      expect(isSame).toBe(true);
      expect(peakMiB - emptyMiB).toBeLessThan(growthMiBMax);
    },
    { timeout: 60_000 },
  );
});
