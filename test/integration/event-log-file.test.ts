import { Database } from "bun:sqlite";
import { describe, expect, it } from "bun:test";
import { copyFile, mkdir, open, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { expectError } from "#conformance/expect-error.ts";
import { SqliteEventLog } from "#core/events/sqlite-event-log.ts";
import type { StoredEvent } from "#interface/events.ts";
import { canMountDisk, mountSmallDisk } from "#testing/small-disk.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

const namespace = "micro";
const key = { namespace, topic: "things" };

function readAll(log: SqliteEventLog): readonly StoredEvent[] {
  return log.read(key, { sequence: 1, countMax: 1_000_000, bytesMax: 1e12 });
}

async function publish(log: SqliteEventLog, size: number, count = 1): Promise<void> {
  const payload = crypto.getRandomValues(new Uint8Array(size));
  await log.write({ namespace, events: Array.from({ length: count }, () => ({ topic: key.topic, payload })) });
}

async function publishUntilRefused(log: SqliteEventLog): Promise<{ taken: number; refusal: MicroError }> {
  for (let taken = 0; ; taken += 1) {
    try {
      await publish(log, 20_000);
    } catch (reason) {
      return { taken, refusal: MicroError.from(reason) };
    }
  }
}

const isMountAllowed = await canMountDisk();

describe("SqliteEventLog.open()", () => {
  it("makes a folder and files that only the owner can read", async () => {
    await using temp = await createTempFolder();
    const folder = `${temp.path}/events`;
    const log = await SqliteEventLog.open({ folder });
    await publish(log, 10);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const name of ["events.db", "events.db-wal", "events.db-shm"]) {
      expect((await stat(`${folder}/${name}`)).mode & 0o777).toBe(0o600);
    }
    await log.close();
    // The log was moved into the file.
    expect(await readdir(folder)).toEqual(["events.db"]);
    await expectError(publish(log, 10), "unavailable");
    expect(() => readAll(log)).toThrow("the event log is closed");
  });

  it("refuses a file of a newer version and says what to do", async () => {
    await using temp = await createTempFolder();
    const database = new Database(`${temp.path}/events.db`);
    database.run("PRAGMA user_version = 999");
    database.close();
    const error = await expectError(SqliteEventLog.open({ folder: temp.path }), "failed_precondition");
    expect(error.detail).toContain("newer micro (format 999");
  });

  it("refuses a database of something else and a file that is none", async () => {
    await using temp = await createTempFolder();
    const database = new Database(`${temp.path}/events.db`);
    database.run("CREATE TABLE other (a)");
    database.close();
    await expectError(SqliteEventLog.open({ folder: temp.path }), "failed_precondition");
    await writeFile(`${temp.path}/events.db`, "this is not a database\n".repeat(1_000));
    const error = await expectError(SqliteEventLog.open({ folder: temp.path }), "internal");
    expect(error.detail).toContain("events.db is damaged");
  });

  it("refuses a file that is damaged in the middle, and changes nothing in it", async () => {
    await using temp = await createTempFolder();
    const log = await SqliteEventLog.open({ folder: temp.path });
    for (let index = 0; index < 200; index += 1) await publish(log, 1_000);
    await log.close();
    const path = `${temp.path}/events.db`;
    const file = await open(path, "r+");
    const { size } = await file.stat();
    for (let at = 4_096 * 8; at < size; at += 4_096) await file.write(new Uint8Array(64).fill(0xaa), 0, 64, at);
    await file.close();
    const before = await Bun.file(path).bytes();
    const error = await expectError(SqliteEventLog.open({ folder: temp.path }), "internal");
    expect(error.detail).toContain("events.db is damaged");
    expect(await Bun.file(path).bytes()).toEqual(before);
  });

  it("has everything up to the last whole commit when the end of the log is torn off", async () => {
    await using temp = await createTempFolder();
    const log = await SqliteEventLog.open({ folder: `${temp.path}/whole` });
    for (let index = 0; index < 60; index += 1) await publish(log, 100 + index * 50, 3);
    const events = readAll(log);
    const walBytes = (await stat(`${temp.path}/whole/events.db-wal`)).size;
    for (let round = 0; round < 12; round += 1) {
      const folder = `${temp.path}/torn-${round}`;
      await mkdir(folder);
      for (const name of ["events.db", "events.db-wal"])
        await copyFile(`${temp.path}/whole/${name}`, `${folder}/${name}`);
      // Behind the commit that made the tables, which takes the first ten pages and more.
      await truncate(`${folder}/events.db-wal`, 20 * 4_120 + Math.floor(Math.random() * (walBytes - 20 * 4_120)));
      const torn = await SqliteEventLog.open({ folder });
      const kept = readAll(torn);
      expect(kept).toEqual(events.slice(0, kept.length));
      expect(kept.length % 3).toBe(0);
      await publish(torn, 10);
      expect(readAll(torn).length).toBe(kept.length + 1);
      await torn.close();
    }
    await log.close();
  });
});

describe("SqliteEventLog.read()", () => {
  it("refuses events that are not what was written", async () => {
    await using temp = await createTempFolder();
    const log = await SqliteEventLog.open({ folder: temp.path });
    await publish(log, 100_000);
    await log.close();
    const file = await open(`${temp.path}/events.db`, "r+");
    const { size } = await file.stat();
    // In the middle of a payload, where no structure of the file is hurt.
    await file.write(new Uint8Array(8), 0, 8, size - 50_000);
    await file.close();
    const again = await SqliteEventLog.open({ folder: temp.path });
    expect(() => readAll(again)).toThrow("from 1 on are damaged on disk");
    await publish(again, 10);
    expect(again.read(key, { sequence: 2, countMax: 1, bytesMax: 1 })).toHaveLength(1);
    await again.close();
  });
});

describe("SqliteEventLog.copyTo()", () => {
  it("copies one moment while publishers go on", async () => {
    await using temp = await createTempFolder();
    const log = await SqliteEventLog.open({ folder: `${temp.path}/events` });
    for (let index = 0; index < 20; index += 1) await publish(log, 1_000, 500);
    await mkdir(`${temp.path}/copy`);
    const over = new AbortController();
    const publishing = (async () => {
      while (!over.signal.aborted) await publish(log, 1_000, 7);
    })();
    await log.copyTo(`${temp.path}/copy`);
    over.abort();
    await publishing;
    expect(await readdir(`${temp.path}/copy`)).toEqual(["events.db"]);
    expect((await stat(`${temp.path}/copy/events.db`)).mode & 0o777).toBe(0o600);
    const copy = await SqliteEventLog.open({ folder: `${temp.path}/copy` });
    const copied = readAll(copy);
    expect(copied.length).toBeGreaterThanOrEqual(10_000);
    expect((copied.length - 10_000) % 7).toBe(0);
    expect(copied).toEqual(readAll(log).slice(0, copied.length));
    await copy.close();
    await log.close();
  });

  it("does not write over a file that is there", async () => {
    await using temp = await createTempFolder();
    const log = await SqliteEventLog.open({ folder: `${temp.path}/events` });
    await mkdir(`${temp.path}/copy`);
    await writeFile(`${temp.path}/copy/events.db`, "precious");
    await expectError(log.copyTo(`${temp.path}/copy`), "unavailable");
    expect(await Bun.file(`${temp.path}/copy/events.db`).text()).toBe("precious");
    await log.close();
  });
});

describe("SqliteEventLog on a full disk", () => {
  it.skipIf(!isMountAllowed)(
    "refuses events, goes on reading, and takes events again when there is space",
    async () => {
      await using disk = await mountSmallDisk(4);
      const folder = disk.path;
      await writeFile(`${folder}/ballast`, new Uint8Array(2 * 1_024 * 1_024));
      const log = await SqliteEventLog.open({ folder });
      const { taken, refusal } = await publishUntilRefused(log);
      expect(refusal.code).toBe("unavailable");
      expect(refusal.detail).toContain("events.db");
      expect(taken).toBeGreaterThan(10);
      expect(readAll(log)).toHaveLength(taken);
      await rm(`${folder}/ballast`);
      await publish(log, 20_000);
      expect(readAll(log).map((event) => event.sequence)).toEqual(
        Array.from({ length: taken + 1 }, (_, index) => index + 1),
      );
      await log.close();
    },
  );
});
