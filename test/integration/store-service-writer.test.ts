import { describe, expect, it } from "bun:test";
import { runCommand } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

const program = new URL("../fixtures/kill-store-writer.ts", import.meta.url).pathname;

describe("SqliteStore when its writing thread dies", () => {
  it("fails the writes that were under way, starts another thread, and serves all others", async () => {
    await using temp = await createTempFolder();
    const result = await runCommand([process.execPath, program, `${temp.path}/store`]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    const said = JSON.parse(result.stdout) as { readonly failedCount: number };
    expect(said).toMatchObject({ threads: 6, failures: ["unavailable"], others: 15, missing: [] });
    // Ten were under way each time.
    expect(said.failedCount).toBeLessThanOrEqual(50);
  });
});
