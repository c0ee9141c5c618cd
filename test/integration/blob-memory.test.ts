import { describe, expect, it } from "bun:test";
import { runCommand } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

const program = new URL("../fixtures/move-blob.ts", import.meta.url).pathname;
const mebibytes = 400;

describe("a large blob", () => {
  it.each(["driver", "rpc"])(
    "is written and read without being in memory, through %s",
    async (way) => {
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
      // Both ends of the call are in that process, with what their queues may hold, and garbage of some pieces.
      expect(peakMiB - emptyMiB).toBeLessThan(mebibytes * 0.75);
    },
    { timeout: 60_000 },
  );
});
