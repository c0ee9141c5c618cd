import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import type { StoreScope } from "#interface/store.ts";
import { MemoryStore } from "./memory-store.ts";
import { walkKeys, walkRecords } from "./walk-store.ts";

const scope: StoreScope = { database: "micro", table: "walk" };
const pageCount = limits.storePageCountMax;

async function filled(count: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (let index = 0; index < count; index += 1) {
    const key = `k${String(index).padStart(5, "0")}`;
    await store.write([{ kind: "put", scope, key, value: new Uint8Array(1) }]);
  }
  return store;
}

describe("walkKeys()", () => {
  it("lets others have their turn between two pages", async () => {
    const store = await filled(2 * pageCount + 1);
    let pagesSeen = 0;
    let hadTurn = true;
    for await (const _page of walkKeys(store, { scope, query: {}, signal: new AbortController().signal })) {
      expect(hadTurn).toBe(true);
      hadTurn = false;
      setImmediate(() => (hadTurn = true));
      pagesSeen += 1;
    }
    expect(pagesSeen).toBe(3);
  });

  it("ends when the caller leaves", async () => {
    const store = await filled(2 * pageCount);
    const leave = new AbortController();
    const walk = walkKeys(store, { scope, query: {}, signal: leave.signal });
    expect((await walk.next()).value).toHaveLength(pageCount);
    leave.abort(new Error("left"));
    expect(await walk.next().catch((reason: unknown) => reason)).toEqual(new Error("left"));
  });

  it("reads no more than is asked for", async () => {
    const store = await filled(20);
    const asked: (number | undefined)[] = [];
    const spy = new MemoryStore();
    spy.keys = (where, query) => {
      asked.push(query?.limit);
      return store.keys(where, query);
    };
    const walk = walkKeys(spy, { scope, query: { limit: 3, offset: 2 }, signal: new AbortController().signal });
    expect((await walk.next()).value).toEqual(["k00002", "k00003", "k00004"]);
    expect((await walk.next()).done).toBe(true);
    expect(asked).toEqual([5]);
  });
});

describe("walkRecords()", () => {
  it("takes another record for one that is gone by the time it is read", async () => {
    const store = await filled(10);
    const walk = walkRecords(store, { scope, query: { limit: 3 }, signal: new AbortController().signal });
    const seen: string[] = [];
    for await (const { key } of walk) {
      seen.push(key);
      if (seen.length === 1) await store.write([{ kind: "delete", scope, key: "k00001" }]);
    }
    expect(seen).toEqual(["k00000", "k00002", "k00003"]);
  });
});
