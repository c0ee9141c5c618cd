import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import type { StoreChange } from "#interface/store.ts";
import { expectError } from "./expect-error.ts";
import { check, decoder, encoder, put, remove, type StoreScene } from "./store-scene.ts";

/** What a write does, on condition or not. */
export function defineWriteSuite(scene: StoreScene): void {
  const { freshScope, readText } = scene;

  describe("write()", () => {
    it("replaces a record as a whole", async () => {
      const scope = freshScope();
      const expiresAtMs = Date.now() + 60_000;
      const first = { kind: "put", scope, key: "a", value: encoder.encode("1"), metadata: { x: "y" }, expiresAtMs };
      await scene.store.write([first as StoreChange]);
      const revision = await scene.store.write([put(scope, "a", "2")]);
      expect(await scene.store.read(scope, "a")).toEqual({
        key: "a",
        value: encoder.encode("2"),
        metadata: {},
        revision,
      });
    });

    it("gives growing revisions", async () => {
      const scope = freshScope();
      const first = await scene.store.write([put(scope, "a", "1")]);
      const second = await scene.store.write([put(scope, "b", "1")]);
      expect(second).toBeGreaterThan(first);
      expect(first).toBeGreaterThan(0);
    });

    it("deletes, and does not mind when there is nothing to delete", async () => {
      const scope = freshScope();
      await scene.store.write([put(scope, "a", "1"), put(scope, "b", "1")]);
      await scene.store.write([remove(scope, "a")]);
      await scene.store.write([remove(scope, "a"), remove(scope, "never")]);
      expect(await scene.store.keys(scope)).toEqual(["b"]);
    });

    it("keeps its own copy of the value", async () => {
      const scope = freshScope();
      const value = encoder.encode("before");
      const written = scene.store.write([{ kind: "put", scope, key: "a", value }]);
      value.fill(0);
      await written;
      const record = await scene.store.read(scope, "a");
      record?.value.fill(0);
      expect(await readText(scope, "a")).toBe("before");
    });

    it("applies a batch or none of it", async () => {
      const scope = freshScope();
      await scene.store.write([put(scope, "a", "1"), put(scope, "b", "1")]);
      await expectError(
        scene.store.write([put(scope, "a", "x"), put(scope, "b", "y", 0), remove(scope, "a")]),
        "invalid_argument",
      );
      await expectError(scene.store.write([put(scope, "a", "x"), put(scope, "b", "y", 0)]), "conflict");
      expect(await readText(scope, "a")).toBe("1");
      expect(await readText(scope, "b")).toBe("1");
    });

    it("applies a batch over several tables and databases or none of it", async () => {
      if (!scene.supports.batchOverTables) return;
      const here = freshScope();
      const there = { database: "suite-other", table: here.table };
      await scene.store.write([put(here, "a", "1"), put(there, "a", "2")]);
      await expectError(
        scene.store.write([put(here, "a", "x"), put(there, "a", "y", 0), remove(here, "b")]),
        "conflict",
      );
      expect(await readText(here, "a")).toBe("1");
      expect(await readText(there, "a")).toBe("2");
    });

    it("takes a big value", async () => {
      const scope = freshScope();
      const value = new Uint8Array(limits.storeValueBytesMax).fill(7);
      await scene.store.write([{ kind: "put", scope, key: "big", value }]);
      expect((await scene.store.read(scope, "big"))?.value.length).toBe(value.length);
    });
  });

  describe("write() with an expected revision", () => {
    it("creates only what is not there when 0 is expected", async () => {
      const scope = freshScope();
      await scene.store.write([put(scope, "a", "1", 0)]);
      const refusal = await expectError(scene.store.write([put(scope, "a", "2", 0)]), "conflict");
      expect(refusal.detail).toBe('record "a" exists already');
      expect(await readText(scope, "a")).toBe("1");
    });

    it("replaces and deletes only the revision that is expected", async () => {
      const scope = freshScope();
      const first = await scene.store.write([put(scope, "a", "1")]);
      const second = await scene.store.write([put(scope, "a", "2", first)]);
      await expectError(scene.store.write([put(scope, "a", "3", first)]), "conflict");
      await expectError(scene.store.write([remove(scope, "a", first)]), "conflict");
      await scene.store.write([remove(scope, "a", second)]);
      expect(await scene.store.read(scope, "a")).toBeUndefined();
      await expectError(scene.store.write([put(scope, "a", "4", second)]), "conflict");
    });

    it("never accepts the revision of a record that was deleted and made again", async () => {
      const scope = freshScope();
      const first = await scene.store.write([put(scope, "a", "1")]);
      await scene.store.write([remove(scope, "a")]);
      await scene.store.write([put(scope, "a", "1")]);
      await expectError(scene.store.write([put(scope, "a", "2", first)]), "conflict");
    });

    it("takes an expired record for one that does not exist", async () => {
      const scope = freshScope();
      const expiresAtMs = Date.now() - 1;
      const revision = await scene.store.write([
        { kind: "put", scope, key: "a", value: encoder.encode("1"), expiresAtMs },
      ]);
      await expectError(scene.store.write([put(scope, "a", "2", revision)]), "conflict");
      await scene.store.write([put(scope, "a", "3", 0)]);
      expect(await readText(scope, "a")).toBe("3");
    });

    it("states the absence of a record by deleting it with 0", async () => {
      const scope = freshScope();
      await scene.store.write([remove(scope, "a", 0), put(scope, "b", "1")]);
      await scene.store.write([put(scope, "a", "1")]);
      await expectError(scene.store.write([remove(scope, "a", 0), put(scope, "b", "2")]), "conflict");
      expect(await readText(scope, "b")).toBe("1");
    });

    it("checks a record without changing it", async () => {
      const scope = freshScope();
      const revision = await scene.store.write([put(scope, "a", "1")]);
      await scene.store.write([check(scope, "a", revision), check(scope, "none", 0), put(scope, "b", "2")]);
      await expectError(scene.store.write([check(scope, "a", revision + 1), put(scope, "b", "3")]), "conflict");
      await expectError(scene.store.write([check(scope, "none", 1), put(scope, "b", "3")]), "conflict");
      await scene.store.write([check(scope, "a", revision)]);
      expect(await scene.store.read(scope, "a")).toMatchObject({ revision });
      expect(await scene.store.read(scope, "none")).toBeUndefined();
      expect(await readText(scope, "b")).toBe("2");
    });

    it("loses no update of writers that retry", async () => {
      const scope = freshScope();
      await scene.store.write([put(scope, "count", "0")]);
      const increment = async (): Promise<void> => {
        for (;;) {
          const record = await scene.store.read(scope, "count");
          const next = String(Number(decoder.decode(record?.value)) + 1);
          const done = await scene.store.write([put(scope, "count", next, record?.revision)]).catch(() => undefined);
          if (done !== undefined) return;
        }
      };
      await Promise.all(Array.from({ length: 20 }, increment));
      expect(await readText(scope, "count")).toBe("20");
    });

    it("refuses one writer of many and serves the others", async () => {
      const scope = freshScope();
      const writes = Array.from({ length: 50 }, (_, index) =>
        scene.store.write([put(scope, "only-one", String(index), 0), put(scope, `mine-${index}`, "1")]),
      );
      const others = Array.from({ length: 50 }, (_, index) => scene.store.write([put(scope, `other-${index}`, "1")]));
      const results = await Promise.allSettled(writes);
      await Promise.all(others);
      expect(results.filter((each) => each.status === "fulfilled")).toHaveLength(1);
      expect(await scene.store.keys(scope, { prefix: "mine-" })).toHaveLength(1);
      expect(await scene.store.keys(scope, { prefix: "other-" })).toHaveLength(50);
    });
  });
}
