import { describe, expect, it } from "bun:test";
import { copyFile, rm } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { openConfigKeys } from "#core/config/config-keys.ts";
import { StoreConfig } from "#core/config/store-config.ts";
import { MemoryStore } from "#core/store/memory-store.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import type { Store, StoreChange, StoreQuery, StoreRecord, StoreScope } from "#interface/store.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

const by = { account: "lab" };
const secretly = { ...by, isSecret: true };

describe("StoreConfig.rotateKey()", () => {
  it("leaves every secret readable wherever it is interrupted, and finishes when it is called again", async () => {
    await using folder = await createTempFolder();
    const keyFile = `${folder.path}/key`;
    let failureCount = 0;
    // Each time one write later, until nothing is left to interrupt.
    for (let failAt = 1; ; failAt += 1) {
      await rm(keyFile, { force: true });
      const store = new FailingStore();
      const config = new StoreConfig({ store, keys: await openConfigKeys(keyFile) });
      await fill(config);
      store.failIn(failAt);
      const isDone = await config.rotateKey().then(
        () => true,
        () => false,
      );
      store.failIn(0);
      // A new process knows only what is on disk.
      const later = new StoreConfig({ store, keys: await openConfigKeys(keyFile) });
      await expectAll(later);
      await later.rotateKey();
      expect((await Bun.file(keyFile).text()).trim().split("\n").length).toBe(1);
      await expectAll(new StoreConfig({ store, keys: await openConfigKeys(keyFile) }));
      if (isDone) break;
      failureCount += 1;
    }
    // Of each namespace the document and what its history would bring back.
    expect(failureCount).toBe(4);
  });

  it("changes nothing when the new key cannot be written", async () => {
    await using folder = await createTempFolder();
    const keyFile = `${folder.path}/home/key`;
    const store = new MemoryStore();
    const config = new StoreConfig({ store, keys: await openConfigKeys(keyFile) });
    await fill(config);
    const before = await Bun.file(keyFile).text();
    await copyFile(keyFile, `${folder.path}/copy`);
    await rm(`${folder.path}/home`, { recursive: true });
    await Bun.write(`${folder.path}/home`, "in the way");
    expect((await config.rotateKey().catch((reason: unknown) => MicroError.from(reason).code)) as unknown).toBe(
      "unavailable",
    );
    await rm(`${folder.path}/home`);
    await copyFile(`${folder.path}/copy`, keyFile).catch(() => Bun.write(keyFile, before));
    await expectAll(new StoreConfig({ store, keys: await openConfigKeys(keyFile) }));
  });

  it("loses no secret that is set while it runs", async () => {
    await using folder = await createTempFolder();
    const keyFile = `${folder.path}/key`;
    const store = new MemoryStore();
    const config = new StoreConfig({ store, keys: await openConfigKeys(keyFile) });
    const count = 60;
    await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const key = { namespace: `n${index % 7}`, path: `key${index}` };
        await config.set(key, `"hunter2 ${index}"`, secretly);
        if (index % 20 === 0) await config.rotateKey();
      }),
    );
    const later = new StoreConfig({ store, keys: await openConfigKeys(keyFile) });
    for (let index = 0; index < count; index += 1) {
      const key = { namespace: `n${index % 7}`, path: `key${index}` };
      expect((await later.read(key, { showsSecrets: true })).json).toBe(`"hunter2 ${index}"`);
    }
  });

  it("leaves every secret readable when its process is killed", async () => {
    await using folder = await createTempFolder();
    for (let round = 0; round < 5; round += 1) {
      const rotator = new URL("./config-rotator.ts", import.meta.url).pathname;
      const child = Bun.spawn([process.execPath, rotator, folder.path], { stdout: "pipe", stderr: "inherit" });
      // Killed at a moment that differs from round to round.
      const reader = child.stdout.getReader();
      for (let line = 0; line <= round; line += 1) await reader.read();
      child.kill("SIGKILL");
      await child.exited;
      await expectReadable(folder.path);
    }
  }, 60_000);
});

async function fill(config: StoreConfig): Promise<void> {
  for (const namespace of ["one", "two"]) {
    await config.set({ namespace, path: "a" }, '{"x":"first","y":"other"}', secretly);
    await config.set({ namespace, path: "a.x" }, '"second"', by);
    await config.set({ namespace, path: "b" }, "1", by);
  }
}

async function expectAll(config: StoreConfig): Promise<void> {
  for (const namespace of ["one", "two"]) {
    const { json, revision } = await config.read({ namespace, path: "" }, { showsSecrets: true });
    expect(json).toBe('{"a":{"x":"second","y":"other"},"b":1}');
    await config.rollback(namespace, 1, { ...by, expectedRevision: revision });
    expect((await config.read({ namespace, path: "a.x" }, { showsSecrets: true })).json).toBe('"first"');
    await config.rollback(namespace, revision, by);
  }
}

/** All secrets, and all that the history would bring back. */
async function expectReadable(folder: string): Promise<void> {
  const store = await SqliteStore.open({ folder: `${folder}/store` });
  const config = new StoreConfig({ store, keys: await openConfigKeys(`${folder}/config_secret_key`) });
  for (const namespace of ["one", "two", "three"]) {
    // Going back is a change too, which makes the history forget its oldest.
    const revisions = (await config.history({ namespace, path: "" }, 40)).map((each) => each.revision);
    for (const revision of revisions) {
      await config.rollback(namespace, revision, by);
      const { json = "{}" } = await config.read({ namespace, path: "" }, { showsSecrets: true });
      expect(new Set(Object.values(JSON.parse(json) as object))).toEqual(new Set([`hunter2 ${namespace}`]));
    }
  }
  await config.stop();
  await store.close();
}

/** A store that refuses everything from a write on, as a disk does that is pulled out. */
class FailingStore implements Store {
  readonly #store = new MemoryStore();
  /** 0: no failure is planned. */
  #left = 0;

  failIn(count: number): void {
    this.#left = count;
  }

  read(scope: StoreScope, key: string): Promise<StoreRecord | undefined> {
    return this.#store.read(scope, key);
  }

  list(scope: StoreScope, query?: StoreQuery): Promise<readonly StoreRecord[]> {
    return this.#store.list(scope, query);
  }

  keys(scope: StoreScope, query?: StoreQuery): Promise<readonly string[]> {
    return this.#store.keys(scope, query);
  }

  write(changes: readonly StoreChange[]): Promise<number> {
    if (this.#left === 1) throw new MicroError("unavailable", "the disk is gone");
    if (this.#left > 1) this.#left -= 1;
    return this.#store.write(changes);
  }

  databases(): Promise<readonly string[]> {
    return this.#store.databases();
  }

  tables(database: string): Promise<readonly string[]> {
    return this.#store.tables(database);
  }
}
