import { Database } from "bun:sqlite";
import { describe, expect, it } from "bun:test";
import { stat } from "node:fs/promises";
import { WriteAheadLog } from "#sqlite/write-ahead-log.ts";
import { WriterThread } from "#sqlite/writer-thread.ts";
import { createPowerCut } from "#testing/power-cut.ts";
import { canPreload } from "#testing/preload-library.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { checkpointedFormat, type NumberReply, type NumberRequest } from "./number-writer.ts";
import { runAndKill } from "./run-and-kill.ts";

const program = new URL("../fixtures/write-numbers.ts", import.meta.url).pathname;
const pageCount = checkpointedFormat.logPageCount ?? 0;

function openWriter(path: string): Promise<WriterThread<NumberRequest, NumberReply>> {
  const worker = new Worker(new URL("./checkpointed-writer-worker.ts", import.meta.url));
  return WriterThread.start({ worker, path, format: checkpointedFormat });
}

function readNumbers(path: string): number[] {
  const database = new Database(path);
  const rows = database.query<{ value: number }, []>("SELECT value FROM number ORDER BY rowid").all();
  const [check] = database.query("PRAGMA integrity_check").values();
  database.close();
  expect(check).toEqual(["ok"]);
  return rows.map((row) => row.value);
}

describe("Checkpointer", () => {
  it("lets a log begin anew before commits have to move it, and leaves nothing behind", async () => {
    await using temp = await createTempFolder();
    const path = `${temp.path}/numbers.db`;
    const writer = await openWriter(path);
    const reader = new Database(path);
    const log = new WriteAheadLog(reader);
    const values: number[] = [];
    let longest = 0;
    let beginnings = 0;
    for (let last = 0; beginnings < 5;) {
      values.push(values.length);
      await writer.request({ kind: "add", values: values.slice(-1) });
      reader.query("SELECT max(rowid) FROM number").get();
      const { pageCount: now } = log.state();
      // Where it became longer than that, a commit has moved it: the thread may be late, when it starts above all.
      if (now < last && last < 2 * pageCount) beginnings += 1;
      longest = Math.max(longest, now);
      last = now;
    }
    expect(longest).toBeGreaterThanOrEqual(pageCount);
    log.finalize();
    reader.close(true);
    await writer.close();
    expect(readNumbers(path)).toEqual(values);
    await expect(stat(`${path}-wal`)).rejects.toThrow("ENOENT");
  });

  it("leaves the log to a reader that needs it, and goes on when it is done", async () => {
    await using temp = await createTempFolder();
    const path = `${temp.path}/numbers.db`;
    const writer = await openWriter(path);
    await writer.request({ kind: "add", values: [0] });
    const reader = new Database(path);
    reader.run("BEGIN");
    const countRows = (): unknown => reader.query("SELECT count(*) AS count FROM number").get();
    expect(countRows()).toEqual({ count: 1 });
    for (let value = 1; value <= 4 * pageCount; value += 1) await writer.request({ kind: "add", values: [value] });
    expect(countRows()).toEqual({ count: 1 });
    reader.run("COMMIT");
    const log = new WriteAheadLog(reader);
    let value = 4 * pageCount;
    do {
      value += 1;
      await writer.request({ kind: "add", values: [value] });
      countRows();
    } while (log.state().pageCount > pageCount);
    log.finalize();
    reader.close(true);
    await writer.close();
    expect(readNumbers(path)).toEqual(Array.from({ length: value + 1 }, (_, index) => index));
  });
});

/** The file has each number that was acknowledged, in order, and at most one more, which was not acknowledged yet. */
function checkNumbers(path: string, acknowledged: readonly number[]): void {
  const found = readNumbers(path);
  expect(found.slice(0, acknowledged.length)).toEqual([...acknowledged]);
  expect(found.length - acknowledged.length).toBeLessThanOrEqual(1);
}

describe("a file whose log is moved by a thread of its own", () => {
  const lineCountMax = 2_000;

  it("has everything that was acknowledged after kill -9", async () => {
    await using temp = await createTempFolder();
    const path = `${temp.path}/numbers.db`;
    for (let round = 0; round < 5; round += 1) {
      const first = round === 0 ? 0 : readNumbers(path).length;
      const lines = await runAndKill({ program, args: [path, String(first)], lineCountMax });
      checkNumbers(
        path,
        Array.from({ length: first + lines.length }, (_, index) => index),
      );
    }
  });

  it.skipIf(!canPreload())("has everything that was acknowledged after a power cut", async () => {
    await using temp = await createTempFolder();
    await using cut = await createPowerCut(temp.path);
    const path = `${temp.path}/store/numbers.db`;
    await Bun.write(path, "");
    let first = 0;
    for (let round = 0; round < 5; round += 1) {
      await cut.arm(["store"]);
      const lines = await runAndKill({ program, args: [path, String(first)], lineCountMax, env: cut.env });
      await cut.strike(["store"]);
      checkNumbers(
        path,
        Array.from({ length: first + lines.length }, (_, index) => index),
      );
      first = readNumbers(path).length;
    }
    expect(first).toBeGreaterThan(0);
  });
});
