import { Database } from "bun:sqlite";
import { describe, expect, it } from "bun:test";
import { expectError } from "#conformance/expect-error.ts";
import { GroupCommit } from "#sqlite/group-commit.ts";
import { WriterThread } from "#sqlite/writer-thread.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { NumberPacker, numberFormat, type NumberReply, type NumberRequest } from "./number-writer.ts";

type Numbers = GroupCommit<number, number, NumberRequest, NumberReply>;

/** @param pendingBytesMax a number takes as many bytes as the test says */
async function openNumbers(path: string, pendingBytesMax = 1_000_000): Promise<Numbers> {
  const start = (): Promise<WriterThread<NumberRequest, NumberReply>> =>
    WriterThread.start({
      worker: new Worker(new URL("./number-writer-worker.ts", import.meta.url)),
      path,
      format: numberFormat,
    });
  return new GroupCommit({
    format: numberFormat,
    thread: await start(),
    revive: start,
    createPacker: () => new NumberPacker(),
    groupBytesMax: 80,
    pendingBytesMax,
  });
}

function readNumbers(path: string): number[] {
  const database = new Database(path);
  const rows = database.query<{ value: number }, []>("SELECT value FROM number ORDER BY rowid").all();
  database.close();
  return rows.map((row) => row.value);
}

describe("GroupCommit.write()", () => {
  it("answers every entry in order, also over several groups", async () => {
    await using temp = await createTempFolder();
    const numbers = await openNumbers(`${temp.path}/numbers.db`);
    const values = Array.from({ length: 35 }, (_, index) => index + 1);
    expect(await Promise.all(values.map((value) => numbers.write(value, 8)))).toEqual(values);
    await numbers.close();
    expect(readNumbers(`${temp.path}/numbers.db`)).toEqual(values);
  });

  it("refuses one entry and answers the others of its group", async () => {
    await using temp = await createTempFolder();
    const numbers = await openNumbers(`${temp.path}/numbers.db`);
    const [first, bad, last] = await Promise.allSettled([1, 101, 3].map((value) => numbers.write(value, 8)));
    expect([first, last]).toMatchObject([{ value: 1 }, { value: 3 }]);
    expect(bad).toMatchObject({ reason: { code: "invalid_argument", message: "101 is too big" } });
    await numbers.close();
  });

  it("refuses what is more than memory allows, until some of it is written", async () => {
    await using temp = await createTempFolder();
    const numbers = await openNumbers(`${temp.path}/numbers.db`, 100);
    const first = numbers.write(1, 80);
    await expectError(numbers.write(2, 30), "too_many_requests");
    await first;
    expect(await numbers.write(3, 30)).toBe(2);
    // One that is bigger than all that may wait goes alone.
    expect(await numbers.write(4, 1_000)).toBe(3);
    await numbers.close();
  });

  it("fails what was under way when the writer dies, and starts another one for what comes then", async () => {
    await using temp = await createTempFolder();
    const path = `${temp.path}/numbers.db`;
    const numbers = await openNumbers(path);
    await numbers.write(1, 8);
    const error = await expectError(numbers.request({ kind: "die" }), "unavailable");
    expect(error.detail).toContain("the number's writer is gone");
    expect(await numbers.write(2, 8)).toBe(2);
    await numbers.close();
    expect(readNumbers(path)).toEqual([1, 2]);
  });
});

describe("GroupCommit.close()", () => {
  it("answers what was taken and refuses what comes then", async () => {
    await using temp = await createTempFolder();
    const numbers = await openNumbers(`${temp.path}/numbers.db`);
    const writes = [1, 2, 3].map((value) => numbers.write(value, 8));
    const closing = numbers.close();
    await expectError(numbers.write(4, 8), "unavailable");
    await expectError(numbers.request({ kind: "add", values: [5] }), "unavailable");
    await closing;
    expect(await Promise.all(writes)).toEqual([1, 2, 3]);
  });
});
