import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import type { Store, StoreChange, StoreScope } from "#interface/store.ts";
import { expectError } from "./expect-error.ts";

/** A store under test, and how to get rid of it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: Store;
  readonly supports: {
    /** Whether one batch may change records of several tables. */
    readonly batchOverTables: boolean;
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * What every store driver must do. `open` gives an empty store that follows the wall clock.
 */
export function defineStoreSuite(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let opened: StoreUnderTest;
    let store: Store;
    let scopeCount = 0;
    beforeAll(async () => {
      opened = await open();
      ({ store } = opened);
    });
    afterAll(() => opened[Symbol.asyncDispose]());

    /** A table that no other test uses. */
    const freshScope = (): StoreScope => {
      scopeCount += 1;
      return { database: "suite", table: `table-${scopeCount}` };
    };
    const readText = async (scope: StoreScope, key: string): Promise<string | undefined> => {
      const record = await store.read(scope, key);
      return record === undefined ? undefined : decoder.decode(record.value);
    };

    describe("read()", () => {
      it("gives back value, metadata, expiry and revision", async () => {
        const scope = freshScope();
        const expiresAtMs = Date.now() + 60_000;
        const value = new Uint8Array([0, 1, 255]);
        const metadata = { type: "text", note: "ä" };
        const revision = await store.write([{ kind: "put", scope, key: "a", value, metadata, expiresAtMs }]);
        expect(await store.read(scope, "a")).toEqual({ key: "a", value, metadata, expiresAtMs, revision });
      });

      it("gives undefined for an unknown key, table and database", async () => {
        const scope = freshScope();
        expect(await store.read(scope, "a")).toBeUndefined();
        await store.write([put(scope, "a", "1")]);
        expect(await store.read(scope, "b")).toBeUndefined();
        expect(await store.read({ ...scope, table: "other" }, "a")).toBeUndefined();
        expect(await store.read({ ...scope, database: "other" }, "a")).toBeUndefined();
      });

      it("keeps an empty value and empty metadata", async () => {
        const scope = freshScope();
        await store.write([{ kind: "put", scope, key: "a", value: new Uint8Array(0) }]);
        const record = await store.read(scope, "a");
        expect(record?.value).toEqual(new Uint8Array(0));
        expect(record?.metadata).toEqual({});
        expect(record).not.toHaveProperty("expiresAtMs");
      });

      it("takes keys with any character and keeps them apart", async () => {
        const scope = freshScope();
        const keys = ["a", "a\0", "a\0b", "\uFEFFa", "ä", "a\u0308", "𝄞", "a/b/../c", " ", "%", "_", "\n"];
        for (const key of keys) await store.write([put(scope, key, key)]);
        for (const key of keys) expect(await readText(scope, key)).toBe(key);
        expect(new Set(await store.keys(scope))).toEqual(new Set(keys));
      });
    });

    describe("write()", () => {
      it("replaces a record as a whole", async () => {
        const scope = freshScope();
        const expiresAtMs = Date.now() + 60_000;
        const first = { kind: "put", scope, key: "a", value: encoder.encode("1"), metadata: { x: "y" }, expiresAtMs };
        await store.write([first as StoreChange]);
        const revision = await store.write([put(scope, "a", "2")]);
        expect(await store.read(scope, "a")).toEqual({ key: "a", value: encoder.encode("2"), metadata: {}, revision });
      });

      it("gives growing revisions", async () => {
        const scope = freshScope();
        const first = await store.write([put(scope, "a", "1")]);
        const second = await store.write([put(scope, "b", "1")]);
        expect(second).toBeGreaterThan(first);
        expect(first).toBeGreaterThan(0);
      });

      it("deletes, and does not mind when there is nothing to delete", async () => {
        const scope = freshScope();
        await store.write([put(scope, "a", "1"), put(scope, "b", "1")]);
        await store.write([remove(scope, "a")]);
        await store.write([remove(scope, "a"), remove(scope, "never")]);
        expect(await store.keys(scope)).toEqual(["b"]);
      });

      it("keeps its own copy of the value", async () => {
        const scope = freshScope();
        const value = encoder.encode("before");
        const written = store.write([{ kind: "put", scope, key: "a", value }]);
        value.fill(0);
        await written;
        const record = await store.read(scope, "a");
        record?.value.fill(0);
        expect(await readText(scope, "a")).toBe("before");
      });

      it("applies a batch or none of it", async () => {
        const scope = freshScope();
        await store.write([put(scope, "a", "1"), put(scope, "b", "1")]);
        await expectError(
          store.write([put(scope, "a", "x"), put(scope, "b", "y", 0), remove(scope, "a")]),
          "invalid_argument",
        );
        await expectError(store.write([put(scope, "a", "x"), put(scope, "b", "y", 0)]), "conflict");
        expect(await readText(scope, "a")).toBe("1");
        expect(await readText(scope, "b")).toBe("1");
      });

      it("applies a batch over several tables and databases or none of it", async () => {
        if (!opened.supports.batchOverTables) return;
        const here = freshScope();
        const there = { database: "suite-other", table: here.table };
        await store.write([put(here, "a", "1"), put(there, "a", "2")]);
        await expectError(store.write([put(here, "a", "x"), put(there, "a", "y", 0), remove(here, "b")]), "conflict");
        expect(await readText(here, "a")).toBe("1");
        expect(await readText(there, "a")).toBe("2");
      });

      it("takes a big value", async () => {
        const scope = freshScope();
        const value = new Uint8Array(limits.storeValueBytesMax).fill(7);
        await store.write([{ kind: "put", scope, key: "big", value }]);
        expect((await store.read(scope, "big"))?.value.length).toBe(value.length);
      });
    });

    describe("write() with an expected revision", () => {
      it("creates only what is not there when 0 is expected", async () => {
        const scope = freshScope();
        await store.write([put(scope, "a", "1", 0)]);
        const refusal = await expectError(store.write([put(scope, "a", "2", 0)]), "conflict");
        expect(refusal.detail).toBe('record "a" exists already');
        expect(await readText(scope, "a")).toBe("1");
      });

      it("replaces and deletes only the revision that is expected", async () => {
        const scope = freshScope();
        const first = await store.write([put(scope, "a", "1")]);
        const second = await store.write([put(scope, "a", "2", first)]);
        await expectError(store.write([put(scope, "a", "3", first)]), "conflict");
        await expectError(store.write([remove(scope, "a", first)]), "conflict");
        await store.write([remove(scope, "a", second)]);
        expect(await store.read(scope, "a")).toBeUndefined();
        await expectError(store.write([put(scope, "a", "4", second)]), "conflict");
      });

      it("never accepts the revision of a record that was deleted and made again", async () => {
        const scope = freshScope();
        const first = await store.write([put(scope, "a", "1")]);
        await store.write([remove(scope, "a")]);
        await store.write([put(scope, "a", "1")]);
        await expectError(store.write([put(scope, "a", "2", first)]), "conflict");
      });

      it("takes an expired record for one that does not exist", async () => {
        const scope = freshScope();
        const expiresAtMs = Date.now() - 1;
        const revision = await store.write([{ kind: "put", scope, key: "a", value: encoder.encode("1"), expiresAtMs }]);
        await expectError(store.write([put(scope, "a", "2", revision)]), "conflict");
        await store.write([put(scope, "a", "3", 0)]);
        expect(await readText(scope, "a")).toBe("3");
      });

      it("states the absence of a record by deleting it with 0", async () => {
        const scope = freshScope();
        await store.write([remove(scope, "a", 0), put(scope, "b", "1")]);
        await store.write([put(scope, "a", "1")]);
        await expectError(store.write([remove(scope, "a", 0), put(scope, "b", "2")]), "conflict");
        expect(await readText(scope, "b")).toBe("1");
      });

      it("checks a record without changing it", async () => {
        const scope = freshScope();
        const revision = await store.write([put(scope, "a", "1")]);
        await store.write([check(scope, "a", revision), check(scope, "none", 0), put(scope, "b", "2")]);
        await expectError(store.write([check(scope, "a", revision + 1), put(scope, "b", "3")]), "conflict");
        await expectError(store.write([check(scope, "none", 1), put(scope, "b", "3")]), "conflict");
        await store.write([check(scope, "a", revision)]);
        expect(await store.read(scope, "a")).toMatchObject({ revision });
        expect(await store.read(scope, "none")).toBeUndefined();
        expect(await readText(scope, "b")).toBe("2");
      });

      it("loses no update of writers that retry", async () => {
        const scope = freshScope();
        await store.write([put(scope, "count", "0")]);
        const increment = async (): Promise<void> => {
          for (;;) {
            const record = await store.read(scope, "count");
            const next = String(Number(decoder.decode(record?.value)) + 1);
            const done = await store.write([put(scope, "count", next, record?.revision)]).catch(() => undefined);
            if (done !== undefined) return;
          }
        };
        await Promise.all(Array.from({ length: 20 }, increment));
        expect(await readText(scope, "count")).toBe("20");
      });

      it("refuses one writer of many and serves the others", async () => {
        const scope = freshScope();
        const writes = Array.from({ length: 50 }, (_, index) =>
          store.write([put(scope, "only-one", String(index), 0), put(scope, `mine-${index}`, "1")]),
        );
        const others = Array.from({ length: 50 }, (_, index) => store.write([put(scope, `other-${index}`, "1")]));
        const results = await Promise.allSettled(writes);
        await Promise.all(others);
        expect(results.filter((each) => each.status === "fulfilled")).toHaveLength(1);
        expect(await store.keys(scope, { prefix: "mine-" })).toHaveLength(1);
        expect(await store.keys(scope, { prefix: "other-" })).toHaveLength(50);
      });
    });

    describe("list() and keys()", () => {
      it("sort by key bytewise, up or down", async () => {
        const scope = freshScope();
        const sorted = ["A", "Z", "a", "aa", "b", "ä", "\uFFFD", "𝄞"];
        await store.write(sorted.toReversed().map((key) => put(scope, key, key)));
        expect(await store.keys(scope)).toEqual(sorted);
        expect(await store.keys(scope, { order: "desc" })).toEqual(sorted.toReversed());
        expect((await store.list(scope)).map((record) => decoder.decode(record.value))).toEqual(sorted);
      });

      it("filter by prefix and suffix, without wildcards", async () => {
        const scope = freshScope();
        const keys = ["a%b", "a/1", "a/2", "a0", "ab", "b/1", "a", "é/1"];
        await store.write(keys.map((key) => put(scope, key, "")));
        expect(await store.keys(scope, { prefix: "a/" })).toEqual(["a/1", "a/2"]);
        expect(await store.keys(scope, { suffix: "/1" })).toEqual(["a/1", "b/1", "é/1"]);
        expect(await store.keys(scope, { prefix: "a", suffix: "1" })).toEqual(["a/1"]);
        expect(await store.keys(scope, { prefix: "%" })).toEqual([]);
        expect(await store.keys(scope, { prefix: "é" })).toEqual(["é/1"]);
        expect(await store.keys(scope, { suffix: "longer than any key" })).toEqual([]);
      });

      it("page by offset and limit in the order asked for", async () => {
        const scope = freshScope();
        const keys = Array.from({ length: 10 }, (_, index) => `k${index}`);
        await store.write(keys.map((key) => put(scope, key, "")));
        expect(await store.keys(scope, { limit: 3 })).toEqual(["k0", "k1", "k2"]);
        expect(await store.keys(scope, { limit: 3, offset: 8 })).toEqual(["k8", "k9"]);
        expect(await store.keys(scope, { limit: 2, offset: 1, order: "desc" })).toEqual(["k8", "k7"]);
        expect(await store.keys(scope, { limit: 0, offset: 9 })).toEqual(["k9"]);
        expect(await store.keys(scope, { offset: 10 })).toEqual([]);
      });

      it("begin behind a key, in the order asked for", async () => {
        const scope = freshScope();
        await store.write(["a", "b/1", "b/2", "b/3", "c", "ä"].map((key) => put(scope, key, "")));
        expect(await store.keys(scope, { after: "b/1" })).toEqual(["b/2", "b/3", "c", "ä"]);
        expect(await store.keys(scope, { after: "b/1", order: "desc" })).toEqual(["a"]);
        expect(await store.keys(scope, { after: "b" })).toEqual(["b/1", "b/2", "b/3", "c", "ä"]);
        expect(await store.keys(scope, { after: "ä" })).toEqual([]);
        expect(await store.keys(scope, { after: "" })).toHaveLength(6);
        expect((await store.list(scope, { after: "c" })).map((each) => each.key)).toEqual(["ä"]);
      });

      it("begin behind a key together with everything else that a query says", async () => {
        const scope = freshScope();
        const keys = Array.from({ length: 10 }, (_, index) => `k${index}`);
        await store.write([...keys, "a", "z"].map((key) => put(scope, key, "")));
        expect(await store.keys(scope, { prefix: "k", after: "k2", limit: 2 })).toEqual(["k3", "k4"]);
        expect(await store.keys(scope, { prefix: "k", after: "k2", limit: 2, offset: 1 })).toEqual(["k4", "k5"]);
        expect(await store.keys(scope, { prefix: "k", after: "a", limit: 1 })).toEqual(["k0"]);
        expect(await store.keys(scope, { prefix: "k", after: "z" })).toEqual([]);
        expect(await store.keys(scope, { prefix: "k", after: "k2", order: "desc" })).toEqual(["k1", "k0"]);
        expect(await store.keys(scope, { prefix: "k", after: "z", order: "desc", limit: 1 })).toEqual(["k9"]);
        expect(await store.keys(scope, { prefix: "k", after: "a", order: "desc" })).toEqual([]);
        expect(await store.keys(scope, { suffix: "5", after: "k2" })).toEqual(["k5"]);
        expect(await store.keys(scope, { suffix: "5", after: "k5" })).toEqual([]);
      });

      it("give every record exactly once to a reader that pages while others write", async () => {
        const scope = freshScope();
        const keys = Array.from({ length: 50 }, (_, index) => `k${String(index).padStart(2, "0")}`);
        await store.write(keys.map((key) => put(scope, key, "")));
        for (const order of ["asc", "desc"] as const) {
          const seen: string[] = [];
          for (let after = ""; ;) {
            const page = await store.keys(scope, { after, limit: 7, order });
            if (page.length === 0) break;
            seen.push(...page.filter((key) => !key.startsWith("new")));
            after = page.at(-1) ?? "";
            await store.write([put(scope, `new-${seen.length}`, ""), put(scope, "000", "")]);
            await store.write([put(scope, after, "again")]);
          }
          expect(seen.filter((key) => key !== "000")).toEqual(order === "asc" ? keys : keys.toReversed());
        }
      });

      it("are empty for a table that does not exist", async () => {
        expect(await store.list(freshScope())).toEqual([]);
        expect(await store.keys(freshScope())).toEqual([]);
      });
    });

    describe("expiry", () => {
      it("hides a record from every read, at once", async () => {
        const scope = { database: "expiry", table: "records" };
        const expiresAtMs = Date.now() - 1;
        await store.write([{ kind: "put", scope, key: "a", value: encoder.encode("1"), expiresAtMs }]);
        expect(await store.read(scope, "a")).toBeUndefined();
        expect(await store.list(scope)).toEqual([]);
        expect(await store.keys(scope)).toEqual([]);
        expect(await store.tables("expiry")).toEqual([]);
        expect(await store.databases()).not.toContain("expiry");
      });

      it("does not count hidden records in a page", async () => {
        const scope = freshScope();
        const changes = Array.from({ length: 10 }, (_, index): StoreChange => {
          const change = put(scope, `k${index}`, "");
          return index % 2 === 0 ? change : { ...change, expiresAtMs: Date.now() - 1 };
        });
        await store.write(changes);
        expect(await store.keys(scope, { offset: 1, limit: 2 })).toEqual(["k2", "k4"]);
      });
    });

    describe("databases() and tables()", () => {
      it("name what has records", async () => {
        await store.write([put({ database: "shop", table: "orders" }, "a", "1")]);
        await store.write([put({ database: "shop", table: "customers" }, "a", "1")]);
        expect(await store.tables("shop")).toEqual(["customers", "orders"]);
        expect(await store.databases()).toContain("shop");
        expect(await store.tables("nothing")).toEqual([]);
        await store.write([remove({ database: "shop", table: "orders" }, "a")]);
        expect(await store.tables("shop")).toEqual(["customers"]);
      });
    });

    describe("bad input", () => {
      const scope: StoreScope = { database: "suite", table: "bad" };

      it.each(["", "a/b", "..", "../x", "a b", "a".repeat(limits.nameLengthMax + 1)])(
        "refuses %j as name of a table or database",
        async (bad) => {
          await expectError(store.read({ ...scope, table: bad }, "a"), "invalid_argument");
          await expectError(store.keys({ ...scope, database: bad }), "invalid_argument");
          await expectError(store.list({ ...scope, database: bad }), "invalid_argument");
          await expectError(store.write([put({ ...scope, table: bad }, "a", "1")]), "invalid_argument");
          await expectError(store.tables(bad), "invalid_argument");
        },
      );

      it("refuses a key that is empty, too long or broken", async () => {
        const long = "k".repeat(limits.storeKeyBytesMax + 1);
        for (const [key, code] of [
          ["", "invalid_argument"],
          ["\uD800", "invalid_argument"],
          [long, "payload_too_large"],
        ] as const) {
          await expectError(store.read(scope, key), code);
          await expectError(store.write([put(scope, key, "1")]), code);
          await expectError(store.write([remove(scope, key)]), code);
        }
      });

      it("takes the longest key", async () => {
        const key = "k".repeat(limits.storeKeyBytesMax);
        await store.write([put(scope, key, "1")]);
        expect(await readText(scope, key)).toBe("1");
      });

      it("refuses a value, metadata and a batch above the limits", async () => {
        const value = new Uint8Array(limits.storeValueBytesMax + 1);
        await expectError(store.write([{ kind: "put", scope, key: "a", value }]), "payload_too_large");
        const metadata = { a: "x".repeat(limits.storeMetadataBytesMax) };
        await expectError(store.write([{ ...put(scope, "a", "1"), metadata }]), "payload_too_large");
        const many = Array.from({ length: limits.storeBatchCountMax + 1 }, (_, index) => put(scope, `k${index}`, ""));
        await expectError(store.write(many), "payload_too_large");
      });

      it("refuses an empty batch and one that names a record twice", async () => {
        await expectError(store.write([]), "invalid_argument");
        await expectError(store.write([put(scope, "a", "1"), remove(scope, "a")]), "invalid_argument");
      });

      it("refuses an order and a key to begin behind that are none", async () => {
        await expectError(store.keys(scope, { order: "up" as "asc" }), "invalid_argument");
        await expectError(store.list(scope, { order: "" as "asc" }), "invalid_argument");
        await expectError(store.keys(scope, { after: "\uD800" }), "invalid_argument");
      });

      it("refuses negative and broken numbers", async () => {
        for (const bad of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
          await expectError(store.keys(scope, { limit: bad }), "invalid_argument");
          await expectError(store.list(scope, { offset: bad }), "invalid_argument");
          await expectError(store.write([put(scope, "a", "1", bad)]), "invalid_argument");
          await expectError(store.write([{ ...put(scope, "a", "1"), expiresAtMs: bad }]), "invalid_argument");
        }
      });
    });
  });
}

function put(
  scope: StoreScope,
  key: string,
  text: string,
  expectedRevision?: number,
): Extract<StoreChange, { kind: "put" }> {
  const change = { kind: "put", scope, key, value: encoder.encode(text) } as const;
  return expectedRevision === undefined ? change : { ...change, expectedRevision };
}

function remove(scope: StoreScope, key: string, expectedRevision?: number): StoreChange {
  const change = { kind: "delete", scope, key } as const;
  return expectedRevision === undefined ? change : { ...change, expectedRevision };
}

function check(scope: StoreScope, key: string, expectedRevision: number): StoreChange {
  return { kind: "check", scope, key, expectedRevision };
}
