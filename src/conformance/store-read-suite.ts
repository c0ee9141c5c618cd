import { describe, expect, it } from "bun:test";
import type { StoreChange } from "#interface/store.ts";
import { encoder, put, remove, type StoreScene } from "./store-scene.ts";

/** One record, those that have ended, and the names of tables. */
export function defineReadSuite(scene: StoreScene): void {
  const { freshScope, readText } = scene;

  describe("read()", () => {
    it("gives back value, metadata, expiry and revision", async () => {
      const scope = freshScope();
      const expiresAtMs = Date.now() + 60_000;
      const value = new Uint8Array([0, 1, 255]);
      const metadata = { type: "text", note: "ä" };
      const revision = await scene.store.write([{ kind: "put", scope, key: "a", value, metadata, expiresAtMs }]);
      expect(await scene.store.read(scope, "a")).toEqual({ key: "a", value, metadata, expiresAtMs, revision });
    });

    it("gives undefined for an unknown key, table and database", async () => {
      const scope = freshScope();
      expect(await scene.store.read(scope, "a")).toBeUndefined();
      await scene.store.write([put(scope, "a", "1")]);
      expect(await scene.store.read(scope, "b")).toBeUndefined();
      expect(await scene.store.read({ ...scope, table: "other" }, "a")).toBeUndefined();
      expect(await scene.store.read({ ...scope, database: "other" }, "a")).toBeUndefined();
    });

    it("keeps an empty value and empty metadata", async () => {
      const scope = freshScope();
      await scene.store.write([{ kind: "put", scope, key: "a", value: new Uint8Array(0) }]);
      const record = await scene.store.read(scope, "a");
      expect(record?.value).toEqual(new Uint8Array(0));
      expect(record?.metadata).toEqual({});
      expect(record).not.toHaveProperty("expiresAtMs");
    });

    it("takes keys with any character and keeps them apart", async () => {
      const scope = freshScope();
      const keys = ["a", "a\0", "a\0b", "\uFEFFa", "ä", "a\u0308", "𝄞", "a/b/../c", " ", "%", "_", "\n"];
      for (const key of keys) await scene.store.write([put(scope, key, key)]);
      for (const key of keys) expect(await readText(scope, key)).toBe(key);
      expect(new Set(await scene.store.keys(scope))).toEqual(new Set(keys));
    });
  });

  describe("expiry", () => {
    it("hides a record from every read, at once", async () => {
      const scope = { database: "expiry", table: "records" };
      const expiresAtMs = Date.now() - 1;
      await scene.store.write([{ kind: "put", scope, key: "a", value: encoder.encode("1"), expiresAtMs }]);
      expect(await scene.store.read(scope, "a")).toBeUndefined();
      expect(await scene.store.list(scope)).toEqual([]);
      expect(await scene.store.keys(scope)).toEqual([]);
      expect(await scene.store.tables("expiry")).toEqual([]);
      expect(await scene.store.databases()).not.toContain("expiry");
    });

    it("does not count hidden records in a page", async () => {
      const scope = freshScope();
      const changes = Array.from({ length: 10 }, (_, index): StoreChange => {
        const change = put(scope, `k${index}`, "");
        return index % 2 === 0 ? change : { ...change, expiresAtMs: Date.now() - 1 };
      });
      await scene.store.write(changes);
      expect(await scene.store.keys(scope, { offset: 1, limit: 2 })).toEqual(["k2", "k4"]);
    });
  });

  describe("databases() and tables()", () => {
    it("name what has records", async () => {
      await scene.store.write([put({ database: "shop", table: "orders" }, "a", "1")]);
      await scene.store.write([put({ database: "shop", table: "customers" }, "a", "1")]);
      expect(await scene.store.tables("shop")).toEqual(["customers", "orders"]);
      expect(await scene.store.databases()).toContain("shop");
      expect(await scene.store.tables("nothing")).toEqual([]);
      await scene.store.write([remove({ database: "shop", table: "orders" }, "a")]);
      expect(await scene.store.tables("shop")).toEqual(["customers"]);
    });
  });
}
