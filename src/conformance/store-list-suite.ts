import { describe, expect, it } from "bun:test";
import { decoder, put, type StoreScene } from "./store-scene.ts";

/** Keys and records in order, by what they begin or end with, in pages. */
export function defineListSuite(scene: StoreScene): void {
  const { freshScope } = scene;

  describe("list() and keys()", () => {
    it("sort by key bytewise, up or down", async () => {
      const scope = freshScope();
      const sorted = ["A", "Z", "a", "aa", "b", "ä", "\uFFFD", "𝄞"];
      await scene.store.write(sorted.toReversed().map((key) => put(scope, key, key)));
      expect(await scene.store.keys(scope)).toEqual(sorted);
      expect(await scene.store.keys(scope, { order: "desc" })).toEqual(sorted.toReversed());
      expect((await scene.store.list(scope)).map((record) => decoder.decode(record.value))).toEqual(sorted);
    });

    it("filter by prefix and suffix, without wildcards", async () => {
      const scope = freshScope();
      const keys = ["a%b", "a/1", "a/2", "a0", "ab", "b/1", "a", "é/1"];
      await scene.store.write(keys.map((key) => put(scope, key, "")));
      expect(await scene.store.keys(scope, { prefix: "a/" })).toEqual(["a/1", "a/2"]);
      expect(await scene.store.keys(scope, { suffix: "/1" })).toEqual(["a/1", "b/1", "é/1"]);
      expect(await scene.store.keys(scope, { prefix: "a", suffix: "1" })).toEqual(["a/1"]);
      expect(await scene.store.keys(scope, { prefix: "%" })).toEqual([]);
      expect(await scene.store.keys(scope, { prefix: "é" })).toEqual(["é/1"]);
      expect(await scene.store.keys(scope, { suffix: "longer than any key" })).toEqual([]);
    });

    it("page by offset and limit in the order asked for", async () => {
      const scope = freshScope();
      const keys = Array.from({ length: 10 }, (_, index) => `k${index}`);
      await scene.store.write(keys.map((key) => put(scope, key, "")));
      expect(await scene.store.keys(scope, { limit: 3 })).toEqual(["k0", "k1", "k2"]);
      expect(await scene.store.keys(scope, { limit: 3, offset: 8 })).toEqual(["k8", "k9"]);
      expect(await scene.store.keys(scope, { limit: 2, offset: 1, order: "desc" })).toEqual(["k8", "k7"]);
      expect(await scene.store.keys(scope, { limit: 0, offset: 9 })).toEqual(["k9"]);
      expect(await scene.store.keys(scope, { offset: 10 })).toEqual([]);
    });

    it("begin behind a key, in the order asked for", async () => {
      const scope = freshScope();
      await scene.store.write(["a", "b/1", "b/2", "b/3", "c", "ä"].map((key) => put(scope, key, "")));
      expect(await scene.store.keys(scope, { after: "b/1" })).toEqual(["b/2", "b/3", "c", "ä"]);
      expect(await scene.store.keys(scope, { after: "b/1", order: "desc" })).toEqual(["a"]);
      expect(await scene.store.keys(scope, { after: "b" })).toEqual(["b/1", "b/2", "b/3", "c", "ä"]);
      expect(await scene.store.keys(scope, { after: "ä" })).toEqual([]);
      expect(await scene.store.keys(scope, { after: "" })).toHaveLength(6);
      expect((await scene.store.list(scope, { after: "c" })).map((each) => each.key)).toEqual(["ä"]);
    });

    it("begin behind a key together with everything else that a query says", async () => {
      const scope = freshScope();
      const keys = Array.from({ length: 10 }, (_, index) => `k${index}`);
      await scene.store.write([...keys, "a", "z"].map((key) => put(scope, key, "")));
      expect(await scene.store.keys(scope, { prefix: "k", after: "k2", limit: 2 })).toEqual(["k3", "k4"]);
      expect(await scene.store.keys(scope, { prefix: "k", after: "k2", limit: 2, offset: 1 })).toEqual(["k4", "k5"]);
      expect(await scene.store.keys(scope, { prefix: "k", after: "a", limit: 1 })).toEqual(["k0"]);
      expect(await scene.store.keys(scope, { prefix: "k", after: "z" })).toEqual([]);
      expect(await scene.store.keys(scope, { prefix: "k", after: "k2", order: "desc" })).toEqual(["k1", "k0"]);
      expect(await scene.store.keys(scope, { prefix: "k", after: "z", order: "desc", limit: 1 })).toEqual(["k9"]);
      expect(await scene.store.keys(scope, { prefix: "k", after: "a", order: "desc" })).toEqual([]);
      expect(await scene.store.keys(scope, { suffix: "5", after: "k2" })).toEqual(["k5"]);
      expect(await scene.store.keys(scope, { suffix: "5", after: "k5" })).toEqual([]);
    });

    it("give every record exactly once to a reader that pages while others write", async () => {
      const scope = freshScope();
      const keys = Array.from({ length: 50 }, (_, index) => `k${String(index).padStart(2, "0")}`);
      await scene.store.write(keys.map((key) => put(scope, key, "")));
      for (const order of ["asc", "desc"] as const) {
        const seen: string[] = [];
        for (let after = ""; ;) {
          const page = await scene.store.keys(scope, { after, limit: 7, order });
          if (page.length === 0) break;
          seen.push(...page.filter((key) => !key.startsWith("new")));
          after = page.at(-1) ?? "";
          await scene.store.write([put(scope, `new-${seen.length}`, ""), put(scope, "000", "")]);
          await scene.store.write([put(scope, after, "again")]);
        }
        expect(seen.filter((key) => key !== "000")).toEqual(order === "asc" ? keys : keys.toReversed());
      }
    });

    it("are empty for a table that does not exist", async () => {
      expect(await scene.store.list(freshScope())).toEqual([]);
      expect(await scene.store.keys(freshScope())).toEqual([]);
    });
  });
}
