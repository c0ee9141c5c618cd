import { Database } from "bun:sqlite";
import { describe, expect, it } from "bun:test";
import { copyFile, mkdir, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { createLogger } from "#base/logger.ts";
import { limits } from "#base/limits.ts";
import { expectError } from "#conformance/expect-error.ts";
import { FileBlobs } from "#core/blob/file-blobs.ts";
import { MemoryStore } from "#core/store/memory-store.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import type { Blobs, BlobScope } from "#interface/blob.ts";
import type { Store } from "#interface/store.ts";
import { runCommand } from "#testing/run-command.ts";
import { canMountDisk, mountSmallDisk } from "#testing/small-disk.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

const scope: BlobScope = { namespace: "micro", key: "a" };

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}

async function readText(blobs: Blobs, of: BlobScope = scope): Promise<string | undefined> {
  const found = await blobs.read(of);
  if (found === undefined) return undefined;
  const all: Uint8Array[] = [];
  for await (const piece of found.content) all.push(piece);
  return Buffer.concat(all).toString();
}

/** Content files in a folder, from its top. */
async function contentFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => /\/[0-9a-f]{32}$/.test(name));
}

/** The one content file of a folder. */
async function onlyFile(folder: string): Promise<string> {
  const [name = "", ...others] = await contentFiles(folder);
  expect(others).toEqual([]);
  return `${folder}/${name}`;
}

describe("FileBlobs files", () => {
  it("are as many as there are blobs, whatever was replaced, deleted, or failed", async () => {
    await using temp = await createTempFolder();
    const blobs = await FileBlobs.open({ folder: temp.path, store: new MemoryStore() });
    const writes = Array.from({ length: 40 }, (_, index) =>
      blobs.write({ ...scope, key: `k${index % 4}` }, pieces(`${index}`)),
    );
    await Promise.all(writes);
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(limits.blobPieceBytes * 2);
      throw new Error("broken");
    }
    await blobs.write(scope, failing()).catch(() => undefined);
    await blobs.delete({ ...scope, key: "k0" });
    expect((await contentFiles(temp.path)).length).toBe(3);
    expect(await readdir(`${temp.path}/incoming`)).toEqual([]);
    await blobs.close();
  });

  it("are for the owner of the server alone", async () => {
    await using temp = await createTempFolder();
    const folder = `${temp.path}/blobs`;
    const blobs = await FileBlobs.open({ folder, store: new MemoryStore() });
    await blobs.write(scope, pieces("x"));
    const modes = await runCommand(["find", folder, "-printf", "%y%m\n"]);
    expect(new Set(modes.stdout.trim().split("\n"))).toEqual(new Set(["d700", "f600"]));
    await blobs.close();
  });

  it("are there after a restart; what belongs to no blob is removed, foreign files stay", async () => {
    await using temp = await createTempFolder();
    const store = new MemoryStore();
    const first = await FileBlobs.open({ folder: temp.path, store });
    await first.write(scope, pieces("kept"));
    await first.close();
    const orphan = "ab".repeat(16);
    await mkdir(`${temp.path}/ab`, { recursive: true });
    await writeFile(`${temp.path}/ab/${orphan}`, "left by a crash");
    await writeFile(`${temp.path}/ab/notes.txt`, "mine");
    await writeFile(`${temp.path}/incoming/${orphan}`, "half");

    const second = await FileBlobs.open({ folder: temp.path, store });
    await second.swept();
    expect(await readText(second)).toBe("kept");
    expect(await contentFiles(temp.path)).toHaveLength(1);
    expect(await readdir(`${temp.path}/ab`)).toContain("notes.txt");
    expect(await readdir(`${temp.path}/incoming`)).toEqual([]);
    await second.close();
  });

  it("stay, with an error in the log, when the store is not the one that they belong to", async () => {
    await using temp = await createTempFolder();
    const first = await FileBlobs.open({ folder: temp.path, store: new MemoryStore() });
    await first.write(scope, pieces("kept"));
    await first.close();
    for (const withId of [true, false]) {
      if (!withId) await rm(`${temp.path}/id`);
      const lines: string[] = [];
      const logger = createLogger({ write: (line) => lines.push(line) });
      const other = await FileBlobs.open({ folder: temp.path, store: new MemoryStore(), logger });
      await other.swept();
      expect(await contentFiles(temp.path)).toHaveLength(1);
      expect(lines.join()).toContain("restore both from the same backup");
      await other.close();
    }
  });

  it("are not touched by a store that fails: the old blob stays, and nothing is left", async () => {
    await using temp = await createTempFolder();
    const store = new MemoryStore();
    let isBroken = false;
    const fragile: Store = {
      read: (...given) => store.read(...given),
      list: (...given) => store.list(...given),
      keys: (...given) => store.keys(...given),
      write: (changes) => (isBroken ? Promise.reject(new Error("no disk")) : store.write(changes)),
      databases: () => store.databases(),
      tables: (database) => store.tables(database),
    };
    const blobs = await FileBlobs.open({ folder: temp.path, store: fragile });
    await blobs.write(scope, pieces("old"));
    isBroken = true;
    await expectError(blobs.write(scope, pieces("new")), "internal");
    await expectError(blobs.delete(scope), "internal");
    expect(await readText(blobs)).toBe("old");
    expect(await contentFiles(temp.path)).toHaveLength(1);
    await blobs.close();
  });
});

describe("FileBlobs.read() of a damaged blob", () => {
  it("holds the end back and says so, and keeps the file", async () => {
    await using temp = await createTempFolder();
    const blobs = await FileBlobs.open({ folder: temp.path, store: new MemoryStore() });
    await blobs.write(scope, pieces("a".repeat(limits.blobPieceBytes), "b".repeat(10)));
    const path = await onlyFile(temp.path);
    const bytes = await Bun.file(path).bytes();
    bytes[5] = 0;
    await Bun.write(path, bytes);
    const found = await blobs.read(scope);
    let seen = 0;
    const reading = (async () => {
      for await (const piece of found?.content ?? []) seen += piece.length;
    })();
    const error = await expectError(reading, "internal");
    expect(error.detail).toContain("damaged");
    expect(error.detail).toContain(path);
    expect(seen).toBe(limits.blobPieceBytes);
    expect(await onlyFile(temp.path)).toBe(path);

    await truncate(path, 100);
    await expectError(readText(blobs), "internal");
    const part = await blobs.read(scope, { offset: 1, length: 2 });
    const readPart = (async () => {
      for await (const _ of part?.content ?? []) seen += 1;
    })();
    expect((await expectError(readPart, "internal")).detail).toContain("instead of");

    await rm(path);
    expect((await expectError(blobs.read(scope), "internal")).detail).toContain("missing");
    expect(await blobs.stat(scope)).toBeDefined();
    // Writing it anew heals it.
    await blobs.write(scope, pieces("new"));
    expect(await readText(blobs)).toBe("new");
    await blobs.close();
  });
});

describe("FileBlobs.copyTo()", () => {
  it("holds every content that the store named when it was copied before, while blobs are replaced and deleted", async () => {
    await using temp = await createTempFolder();
    const store = await SqliteStore.open({ folder: `${temp.path}/store` });
    const blobs = await FileBlobs.open({ folder: `${temp.path}/blobs`, store });
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
    for (const key of keys) await blobs.write({ ...scope, key }, pieces(key));

    const copy = `${temp.path}/copy`;
    await mkdir(`${copy}/blobs`, { recursive: true });
    await mkdir(`${copy}/store`);
    {
      using _held = blobs.holdDeletions();
      const database = new Database(`${temp.path}/store/store.db`);
      database.run(`VACUUM INTO '${temp.path}/snapshot.db'`);
      database.close();
      for (const key of keys.slice(0, 10)) await blobs.write({ ...scope, key }, pieces("replaced"));
      for (const key of keys.slice(10)) await blobs.delete({ ...scope, key });
      await blobs.copyTo(`${copy}/blobs`);
    }
    await copyFile(`${temp.path}/snapshot.db`, `${copy}/store/store.db`);
    // What waited is removed once nobody holds it.
    await waitUntil("10 contents", async () => (await contentFiles(`${temp.path}/blobs`)).length === 10);
    await blobs.close();
    await store.close();

    const oldStore = await SqliteStore.open({ folder: `${copy}/store` });
    const old = await FileBlobs.open({ folder: `${copy}/blobs`, store: oldStore });
    await old.swept();
    for (const key of keys) expect(await readText(old, { ...scope, key })).toBe(key);
    expect(await contentFiles(`${copy}/blobs`)).toHaveLength(20);
    await old.close();
    await oldStore.close();
  });
});

describe("FileBlobs.close()", () => {
  it("refuses writes that come later or are not finished, and leaves nothing of them", async () => {
    await using temp = await createTempFolder();
    const blobs = await FileBlobs.open({ folder: temp.path, store: new MemoryStore() });
    await blobs.write(scope, pieces("old"));
    let more = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      more = resolve;
    });
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      await gate;
      yield new Uint8Array(10);
    }
    const unfinished = blobs.write(scope, slow());
    await blobs.close();
    more();
    await expectError(unfinished, "unavailable");
    await expectError(blobs.write(scope, pieces("new")), "unavailable");
    expect(await readText(blobs)).toBe("old");
    expect(await contentFiles(temp.path)).toHaveLength(1);
  });
});

const canMount = await canMountDisk();

describe("FileBlobs on a full disk", () => {
  it.skipIf(!canMount)("refuses the write, keeps what was there, and goes on when there is space", async () => {
    await using disk = await mountSmallDisk(3);
    const store = await SqliteStore.open({ folder: `${disk.path}/store` });
    const blobs = await FileBlobs.open({ folder: `${disk.path}/blobs`, store });
    await blobs.write(scope, pieces("old"));
    const flood = Array<string>(16).fill("x".repeat(limits.blobPieceBytes));
    const error = await expectError(blobs.write(scope, pieces(...flood)), "unavailable");
    expect(error.detail).toBe(`the disk of ${disk.path}/blobs is full: free some space`);
    expect(await readText(blobs)).toBe("old");
    expect(await contentFiles(disk.path)).toHaveLength(1);
    expect(await readdir(`${disk.path}/blobs/incoming`)).toEqual([]);
    await blobs.write(scope, pieces("new"));
    expect(await readText(blobs)).toBe("new");
    await blobs.close();
    await store.close();
  });
});
