import { Database } from "bun:sqlite";
import { describe, expect, it } from "bun:test";
import { copyFile, mkdir, open, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { expectError } from "#conformance/expect-error.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import type { StoreScope } from "#interface/store.ts";
import { runCommand } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

const scope: StoreScope = { database: "micro", table: "things" };
const text = new TextEncoder();

describe("SqliteStore.open()", () => {
  it("makes a folder and files that only the owner can read", async () => {
    await using temp = await createTempFolder();
    const folder = `${temp.path}/store`;
    const store = await SqliteStore.open({ folder });
    await store.write([{ kind: "put", scope, key: "a", value: text.encode("1") }]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const name of ["store.db", "store.db-wal", "store.db-shm"]) {
      expect((await stat(`${folder}/${name}`)).mode & 0o777).toBe(0o600);
    }
    await store.close();
  });

  it("finds what was written before, with its revisions", async () => {
    await using temp = await createTempFolder();
    const first = await SqliteStore.open({ folder: temp.path });
    const revision = await first.write([{ kind: "put", scope, key: "a", value: text.encode("1") }]);
    await first.write([{ kind: "delete", scope, key: "gone" }]);
    await first.close();
    const second = await SqliteStore.open({ folder: temp.path });
    expect(await second.read(scope, "a")).toMatchObject({ revision, value: text.encode("1") });
    const next = await second.write([{ kind: "put", scope, key: "b", value: text.encode("2") }]);
    expect(next).toBeGreaterThan(revision + 1);
    await second.close();
  });

  it("refuses a file of a newer version and says what to do", async () => {
    await using temp = await createTempFolder();
    const database = new Database(`${temp.path}/store.db`);
    database.run("PRAGMA user_version = 999");
    database.close();
    const error = await expectError(SqliteStore.open({ folder: temp.path }), "failed_precondition");
    expect(error.detail).toContain("newer micro (format 999");
  });

  it("refuses a database of something else and leaves it alone", async () => {
    await using temp = await createTempFolder();
    const database = new Database(`${temp.path}/store.db`);
    database.run("CREATE TABLE other (a)");
    database.close();
    await expectError(SqliteStore.open({ folder: temp.path }), "failed_precondition");
    const again = new Database(`${temp.path}/store.db`);
    expect(again.query("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "other" }]);
    again.close();
  });

  it("refuses a file that is no database", async () => {
    await using temp = await createTempFolder();
    const garbage = "this is not a database\n".repeat(1_000);
    await writeFile(`${temp.path}/store.db`, garbage);
    const error = await expectError(SqliteStore.open({ folder: temp.path }), "internal");
    expect(error.detail).toContain("store.db is damaged");
    expect(await readFile(`${temp.path}/store.db`, "utf8")).toBe(garbage);
  });

  it("refuses a file that is damaged in the middle", async () => {
    await using temp = await createTempFolder();
    const store = await SqliteStore.open({ folder: temp.path });
    for (let index = 0; index < 200; index += 1) {
      await store.write([{ kind: "put", scope, key: `key-${index}`, value: new Uint8Array(1_000).fill(index) }]);
    }
    await store.close();
    const file = await open(`${temp.path}/store.db`, "r+");
    const { size } = await file.stat();
    for (let at = 4_096 * 5; at < size; at += 4_096) await file.write(new Uint8Array(64).fill(0xaa), 0, 64, at);
    await file.close();
    const error = await expectError(SqliteStore.open({ folder: temp.path }), "internal");
    expect(error.detail).toContain("store.db is damaged");
  });

  it("has everything up to the last whole commit when the end of the log is torn off", async () => {
    await using temp = await createTempFolder();
    const store = await SqliteStore.open({ folder: `${temp.path}/whole` });
    for (let index = 0; index < 80; index += 1) {
      const value = new Uint8Array(100 + index * 50);
      await store.write(["a", "b"].map((name) => ({ kind: "put", scope, key: `${100 + index}-${name}`, value })));
    }
    const keys = await store.keys(scope);
    const walBytes = (await stat(`${temp.path}/whole/store.db-wal`)).size;
    for (let round = 0; round < 12; round += 1) {
      const folder = `${temp.path}/torn-${round}`;
      await mkdir(folder);
      for (const name of ["store.db", "store.db-wal"])
        await copyFile(`${temp.path}/whole/${name}`, `${folder}/${name}`);
      // Behind the commit that made the tables.
      await truncate(`${folder}/store.db-wal`, 20 * 4_120 + Math.floor(Math.random() * (walBytes - 20 * 4_120)));
      const torn = await SqliteStore.open({ folder });
      const kept = await torn.keys(scope);
      expect(kept).toEqual(keys.slice(0, kept.length));
      expect(kept.length % 2).toBe(0);
      await torn.close();
    }
    await store.close();
  });

  it("refuses a folder that cannot be made", async () => {
    await using temp = await createTempFolder();
    await writeFile(`${temp.path}/file`, "");
    await expectError(SqliteStore.open({ folder: `${temp.path}/file/store` }), "unavailable");
  });
});

describe("SqliteStore.copyTo()", () => {
  it("copies one moment while writers go on", async () => {
    await using temp = await createTempFolder();
    const store = await SqliteStore.open({ folder: `${temp.path}/store` });
    const write = (index: number): Promise<number> =>
      store.write(["a", "b"].map((name) => ({ kind: "put", scope, key: `${index}-${name}`, value: text.encode("1") })));
    for (let index = 0; index < 100; index += 1) await write(index);
    await mkdir(`${temp.path}/copy`);
    const over = new AbortController();
    const writing = (async () => {
      for (let index = 100; !over.signal.aborted; index += 1) await write(index);
    })();
    await store.copyTo(`${temp.path}/copy`);
    over.abort();
    await writing;
    expect(await readdir(`${temp.path}/copy`)).toEqual(["store.db"]);
    const copy = await SqliteStore.open({ folder: `${temp.path}/copy` });
    const copied = await copy.keys(scope);
    expect(copied.length).toBeGreaterThanOrEqual(200);
    expect(copied.length % 2).toBe(0);
    expect(await copy.read(scope, "0-a")).toEqual(await store.read(scope, "0-a"));
    await copy.close();
    await store.close();
  });
});

describe("SqliteStore.close()", () => {
  it("answers the writes that were taken and refuses later calls", async () => {
    await using temp = await createTempFolder();
    const store = await SqliteStore.open({ folder: temp.path });
    const writes = Array.from({ length: 20 }, (_, index) =>
      store.write([{ kind: "put", scope, key: `${index}`, value: text.encode("1") }]),
    );
    await store.close();
    await Promise.all(writes);
    // The log was moved into the file.
    expect(await readdir(temp.path)).toEqual(["store.db"]);
    await expectError(store.read(scope, "1"), "unavailable");
    await expectError(store.write([{ kind: "delete", scope, key: "1" }]), "unavailable");
    await store.close();
    const again = await SqliteStore.open({ folder: temp.path });
    expect(await again.keys(scope)).toHaveLength(20);
    await again.close();
  });
});

describe("SqliteStore", () => {
  it("removes expired records from the file in the background", async () => {
    await using temp = await createTempFolder();
    const store = await SqliteStore.open({ folder: temp.path });
    const changes = Array.from({ length: 900 }, (_, index) => ({
      kind: "put" as const,
      scope,
      key: `${index}`,
      value: text.encode("1"),
      ...(index === 0 ? {} : { expiresAtMs: Date.now() - 1 }),
    }));
    await store.write(changes);
    const database = new Database(`${temp.path}/store.db`);
    await waitUntil("the file holds one record", () => {
      const row = database.query<{ count: number }, []>("SELECT count(*) AS count FROM record").get();
      return row?.count === 1;
    });
    database.close();
    expect(await store.keys(scope)).toEqual(["0"]);
    await store.close();
  });

  it("refuses writes when the disk is full and goes on with reads", async () => {
    await using temp = await createTempFolder();
    const program = new URL("../fixtures/fill-store.ts", import.meta.url).pathname;
    // A limit of 512 KiB a file stands for the full disk; the shell makes the signal of it harmless.
    const script = `trap '' XFSZ; ulimit -f 512; exec "$0" "$1" "$2"`;
    const result = await runCommand(["bash", "-c", script, process.execPath, program, temp.path]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(result.stdout)).toEqual({ refusedWith: "unavailable", written: true, missing: 0 });
  });
});
