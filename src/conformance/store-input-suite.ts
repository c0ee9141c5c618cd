import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import type { StoreScope } from "#interface/store.ts";
import { expectError } from "./expect-error.ts";
import { put, remove, type StoreScene } from "./store-scene.ts";

/** What is refused. */
export function defineInputSuite(scene: StoreScene): void {
  const { readText } = scene;

  describe("bad input", () => {
    const scope: StoreScope = { database: "suite", table: "bad" };

    it.each(["", "a/b", "..", "../x", "a b", "a".repeat(limits.nameLengthMax + 1)])(
      "refuses %j as name of a table or database",
      async (bad) => {
        await expectError(scene.store.read({ ...scope, table: bad }, "a"), "invalid_argument");
        await expectError(scene.store.keys({ ...scope, database: bad }), "invalid_argument");
        await expectError(scene.store.list({ ...scope, database: bad }), "invalid_argument");
        await expectError(scene.store.write([put({ ...scope, table: bad }, "a", "1")]), "invalid_argument");
        await expectError(scene.store.tables(bad), "invalid_argument");
      },
    );

    it("refuses a key that is empty, too long or broken", async () => {
      const long = "k".repeat(limits.storeKeyBytesMax + 1);
      for (const [key, code] of [
        ["", "invalid_argument"],
        ["\uD800", "invalid_argument"],
        [long, "payload_too_large"],
      ] as const) {
        await expectError(scene.store.read(scope, key), code);
        await expectError(scene.store.write([put(scope, key, "1")]), code);
        await expectError(scene.store.write([remove(scope, key)]), code);
      }
    });

    it("takes the longest key", async () => {
      const key = "k".repeat(limits.storeKeyBytesMax);
      await scene.store.write([put(scope, key, "1")]);
      expect(await readText(scope, key)).toBe("1");
    });

    it("refuses a value, metadata and a batch above the limits", async () => {
      const value = new Uint8Array(limits.storeValueBytesMax + 1);
      await expectError(scene.store.write([{ kind: "put", scope, key: "a", value }]), "payload_too_large");
      const metadata = { a: "x".repeat(limits.storeMetadataBytesMax) };
      await expectError(scene.store.write([{ ...put(scope, "a", "1"), metadata }]), "payload_too_large");
      const many = Array.from({ length: limits.storeBatchCountMax + 1 }, (_, index) => put(scope, `k${index}`, ""));
      await expectError(scene.store.write(many), "payload_too_large");
    });

    it("refuses an empty batch and one that names a record twice", async () => {
      await expectError(scene.store.write([]), "invalid_argument");
      await expectError(scene.store.write([put(scope, "a", "1"), remove(scope, "a")]), "invalid_argument");
    });

    it("refuses an order and a key to begin behind that are none", async () => {
      await expectError(scene.store.keys(scope, { order: "up" as "asc" }), "invalid_argument");
      await expectError(scene.store.list(scope, { order: "" as "asc" }), "invalid_argument");
      await expectError(scene.store.keys(scope, { after: "\uD800" }), "invalid_argument");
    });

    it("refuses negative and broken numbers", async () => {
      for (const bad of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        await expectError(scene.store.keys(scope, { limit: bad }), "invalid_argument");
        await expectError(scene.store.list(scope, { offset: bad }), "invalid_argument");
        await expectError(scene.store.write([put(scope, "a", "1", bad)]), "invalid_argument");
        await expectError(scene.store.write([{ ...put(scope, "a", "1"), expiresAtMs: bad }]), "invalid_argument");
      }
    });
  });
}
