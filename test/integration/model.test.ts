import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import type { Client } from "#service/client.ts";
import { refusal } from "#testing/refusal.ts";
import { createModel, z } from "#service/model.ts";
import { createStore } from "#service/store.ts";
import { serveStore, type StateServer } from "./sdk-state-server.ts";

const schema = z.object({
  id: z.string(),
  email: z.string().optional(),
  age: z.number(),
  isActive: z.boolean().default(true),
  joined: z.date(),
  tags: z.array(z.string()).default([]),
});

let server: StateServer;
let client: Client;
let tableCount = 0;

beforeAll(async () => {
  server = await serveStore();
  client = server.client();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A model in a table of its own. */
function createUsers(name = `users-${(tableCount += 1)}`) {
  return createModel(client, name, {
    schema,
    key: "id",
    indexes: { email: { unique: true }, age: {}, joined: {}, isActive: {} },
  });
}

const joined = new Date("2026-01-02T03:04:05.678Z");

async function codeAndDetail(work: Promise<unknown>): Promise<readonly [string, string]> {
  const { code, detail } = await refusal(work);
  return [code, detail];
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(items);
}

describe("Model.create()", () => {
  it("returns the record as it is read later, with defaults and dates", async () => {
    const users = createUsers();
    const created = await users.create({ id: "u1", email: "a@b.c", age: 41, joined });
    expect(created).toEqual({ id: "u1", email: "a@b.c", age: 41, joined, isActive: true, tags: [] });
    expect(await users.read("u1")).toEqual(created);
    expect(await users.read("u2")).toBeUndefined();
  });

  it("names the field that does not match the schema", async () => {
    const users = createUsers();
    // @ts-expect-error -- as an author of JavaScript would write it.
    const [code, detail] = await codeAndDetail(users.create({ id: "u1", age: "old", joined }));
    expect(code).toBe("invalid_argument");
    expect(detail).toContain("age: expected number, got string");
  });

  it("refuses an empty key", async () => {
    const users = createUsers("people");
    expect(await codeAndDetail(users.create({ id: "", age: 1, joined }))).toEqual([
      "invalid_argument",
      "people.id is missing: it is the key of a record",
    ]);
  });

  it("refuses a key and a unique value that are there already", async () => {
    const users = createUsers("taken");
    await users.create({ id: "u1", email: "a@b.c", age: 1, joined });
    expect(await codeAndDetail(users.create({ id: "u1", age: 1, joined }))).toEqual([
      "conflict",
      'taken "u1" exists already',
    ]);
    expect(await codeAndDetail(users.create({ id: "u2", email: "a@b.c", age: 1, joined }))).toEqual([
      "conflict",
      'taken.email "a@b.c" is taken by another record',
    ]);
    expect(await users.read("u2")).toBeUndefined();
  });

  it("lets records without a value share a unique index", async () => {
    const users = createUsers();
    await users.create({ id: "u1", age: 1, joined });
    await users.create({ id: "u2", age: 1, joined });
    expect((await users.query()).records).toHaveLength(2);
  });

  it("refuses values that are too long for an index", async () => {
    const users = createUsers("long");
    const [code, detail] = await codeAndDetail(users.create({ id: "u1", email: "a".repeat(5_000), age: 1, joined }));
    expect([code, detail]).toEqual(["invalid_argument", "long.email is too long for a key or an index"]);
  });
});

describe("Model.update()", () => {
  it("moves the index entries with the record", async () => {
    const users = createUsers();
    await users.create({ id: "u1", email: "a@b.c", age: 1, joined });
    const updated = await users.update("u1", (user) => ({ ...user, email: "d@e.f", age: 2 }));
    expect(updated.age).toBe(2);
    expect(await users.find("email", "a@b.c")).toBeUndefined();
    expect(await users.find("email", "d@e.f")).toEqual(updated);
    expect((await users.query({ by: "age", equals: 1 })).records).toEqual([]);
    expect((await users.query({ by: "age", equals: 2 })).records).toEqual([updated]);
    await users.create({ id: "u2", email: "a@b.c", age: 1, joined });
  });

  it("refuses a record that is not there, another key, and a unique value that is taken", async () => {
    const users = createUsers("update");
    await users.create({ id: "u1", email: "a@b.c", age: 1, joined });
    await users.create({ id: "u2", email: "d@e.f", age: 1, joined });
    expect(await codeAndDetail(users.update("u3", (user) => user))).toEqual([
      "not_found",
      'update "u3" does not exist',
    ]);
    expect(await codeAndDetail(users.update("u1", (user) => ({ ...user, id: "u9" })))).toEqual([
      "invalid_argument",
      "update.id is the key of the record and cannot be changed",
    ]);
    expect(await codeAndDetail(users.update("u1", (user) => ({ ...user, email: "d@e.f" })))).toEqual([
      "conflict",
      'update.email "d@e.f" is taken by another record',
    ]);
    expect((await users.read("u1"))?.email).toBe("a@b.c");
  });

  it("passes on what the change throws, and leaves the record as it was", async () => {
    const users = createUsers();
    await users.create({ id: "u1", age: 1, joined });
    const work = users.update("u1", () => {
      throw new Error("no");
    });
    expect(work).rejects.toThrow("no");
    await work.catch(() => undefined);
    expect((await users.read("u1"))?.age).toBe(1);
  });
});

describe("Model.delete()", () => {
  it("removes the record and its index entries", async () => {
    const users = createUsers();
    await users.create({ id: "u1", email: "a@b.c", age: 1, joined });
    expect(await users.delete("u1")).toBe(true);
    expect(await users.delete("u1")).toBe(false);
    expect(await users.find("email", "a@b.c")).toBeUndefined();
    await users.create({ id: "u2", email: "a@b.c", age: 1, joined });
  });
});

describe("Model.query()", () => {
  const ages = [-7.5, -1, 0, 0.5, 3, 10, 25, 200, 1e9];

  async function createMany() {
    const users = createUsers();
    await Promise.all(
      ages.map((age, index) =>
        users.create({
          id: `u${index}`,
          email: `${index}@x`,
          age,
          joined: new Date(joined.getTime() + index),
          isActive: age > 5,
        }),
      ),
    );
    return users;
  }

  it("orders by key where no index is named", async () => {
    const users = await createMany();
    expect((await users.query()).records.map((each) => each.id)).toEqual(ages.map((_, index) => `u${index}`));
    const { records } = await users.query({ by: "id", from: "u3", below: "u6", order: "desc" });
    expect(records.map((each) => each.id)).toEqual(["u5", "u4", "u3"]);
  });

  it("finds ranges in both orders", async () => {
    const users = await createMany();
    const find = async (query: Parameters<typeof users.query>[0]) =>
      (await users.query(query)).records.map((each) => each.age);
    expect(await find({ by: "age" })).toEqual(ages);
    expect(await find({ by: "age", order: "desc" })).toEqual(ages.toReversed());
    expect(await find({ by: "age", from: 0, to: 10 })).toEqual([0, 0.5, 3, 10]);
    expect(await find({ by: "age", above: 0, below: 10 })).toEqual([0.5, 3]);
    expect(await find({ by: "age", from: 0, to: 10, order: "desc" })).toEqual([10, 3, 0.5, 0]);
    expect(await find({ by: "age", above: 0, below: 10, order: "desc" })).toEqual([3, 0.5]);
    expect(await find({ by: "age", below: -1 })).toEqual([-7.5]);
    expect(await find({ by: "isActive", equals: true })).toEqual([10, 25, 200, 1e9]);
    expect(await find({ by: "joined", from: new Date(joined.getTime() + 7) })).toEqual([200, 1e9]);
    expect(await find({ by: "email", startsWith: "3" })).toEqual([0.5]);
  });

  it("gives pages that join without gap or overlap, in both orders", async () => {
    const users = await createMany();
    for (const order of ["asc", "desc"] as const) {
      const expected = order === "asc" ? ages.slice(2) : ages.slice(2).toReversed();
      for (const limit of [1, 2, 7, 8]) {
        const found = await collect(users.list({ by: "age", from: 0, order, limit }));
        expect(found.map((each) => each.age)).toEqual(expected);
      }
    }
    const first = await users.query({ by: "age", limit: 4 });
    const second = await users.query({ by: "age", limit: 5, cursor: first.next });
    expect([first.records.length, second.records.length, second.next]).toEqual([4, 5, undefined]);
  });

  it("refuses what it cannot answer", async () => {
    const users = await createMany();
    const { next } = await users.query({ by: "age", limit: 1 });
    // @ts-expect-error -- no such index.
    expect((await codeAndDetail(users.query({ by: "tags" })))[1]).toContain("records are found by id, email, age");
    expect((await codeAndDetail(users.query({ by: "joined", cursor: next })))[1]).toContain("cursor");
    expect((await codeAndDetail(users.query({ limit: 0 })))[1]).toBe("limit is a whole number from 1 to 1000");
    expect((await codeAndDetail(users.query({ by: "age", from: 1, above: 1 })))[1]).toContain("not both");
  });

  it("leaves out entries whose record holds another value", async () => {
    const users = createUsers("stale");
    await users.create({ id: "u1", age: 1, joined });
    // An entry as a reader sees it that reads the record later.
    const store = createStore(client, { table: "lab.stale" });
    const [entry] = await store.keys({ prefix: "i!age!" });
    const record = await store.read("r!su1!");
    if (entry === undefined || record === undefined) throw new Error("nothing was written");
    await store.write(entry.replace("n3ff", "n3fe"), new TextEncoder().encode("r!su1!"));
    expect((await users.query({ by: "age", below: 1 })).records).toEqual([]);
    expect((await collect(users.list({ by: "age", limit: 1 }))).map((each) => each.id)).toEqual(["u1"]);
  });
});

describe("Model.reindex()", () => {
  it("fills an index that was added later, and empties one that was taken away", async () => {
    const plain = z.object({ id: z.number(), name: z.string(), age: z.number() });
    const before = createModel(client, "growing", { schema: plain, key: "id", indexes: { age: {} } });
    for (let id = 1; id <= 250; id += 1) await before.create({ id, name: `n${id}`, age: id % 7 });
    const after = createModel(client, "growing", { schema: plain, key: "id", indexes: { name: { unique: true } } });
    expect(await after.find("name", "n9")).toBeUndefined();
    expect(await after.reindex()).toBe(250);
    expect(await after.find("name", "n9")).toEqual({ id: 9, name: "n9", age: 2 });
    expect((await collect(before.list({ by: "age" }))).length).toBe(0);
    const rivals = createModel(client, "growing", { schema: plain, key: "id", indexes: { age: { unique: true } } });
    expect((await codeAndDetail(rivals.reindex()))[0]).toBe("conflict");
  });
});

describe("createModel()", () => {
  it("keeps services and namespaces apart", async () => {
    const other = createModel(server.client({ name: "other" }), "shared", { schema, key: "id" });
    const elsewhere = createModel(server.client({ namespace: "elsewhere" }), "shared", { schema, key: "id" });
    await createUsers("shared").create({ id: "u1", age: 1, joined });
    expect(await other.read("u1")).toBeUndefined();
    expect(await elsewhere.read("u1")).toBeUndefined();
  });

  it("refuses fields that the schema does not have", () => {
    const wrong = { schema, key: "name" } as unknown as { readonly schema: typeof schema; readonly key: "id" };
    expect(() => createModel(client, "users", wrong)).toThrow('the schema has no field "name"');
  });
});

describe("Model under concurrent writers", () => {
  it("loses no update, and its indexes are what the records say", async () => {
    const writerCount = 3;
    const program = new URL("model-writer.ts", import.meta.url).pathname;
    const counters = createModel(client, "counters", {
      schema: z.object({ id: z.string(), value: z.number(), slot: z.string().optional() }),
      key: "id",
      indexes: { value: {}, slot: { unique: true } },
    });
    for (let id = 0; id < 3; id += 1) await counters.create({ id: `c${id}`, value: 0 });
    const children = Array.from({ length: writerCount }, (_, seed) =>
      Bun.spawn([process.execPath, program, server.address, String(seed)], { stdout: "pipe", stderr: "inherit" }),
    );
    const reports = await Promise.all(
      children.map(async (child) => {
        const text = await child.stdout.text();
        expect(await child.exited).toBe(0);
        return JSON.parse(text) as { readonly added: number; readonly slots: number };
      }),
    );
    const records = await collect(counters.list());
    const added = reports.reduce((sum, each) => sum + each.added, 0);
    const counted = records.filter((each) => each.id.startsWith("c")).reduce((sum, each) => sum + each.value, 0);
    expect(counted).toBe(added);
    expect(reports.reduce((sum, each) => sum + each.slots, 0)).toBeGreaterThan(0);

    const byValue = await collect(counters.list({ by: "value", limit: 3 }));
    expect(byValue.map((each) => each.id).toSorted()).toEqual(records.map((each) => each.id).toSorted());
    const withSlot = records.filter((each) => each.slot !== undefined);
    const bySlot = await collect(counters.list({ by: "slot" }));
    expect(bySlot.map((each) => each.id).toSorted()).toEqual(withSlot.map((each) => each.id).toSorted());
    expect(new Set(withSlot.map((each) => each.slot)).size).toBe(withSlot.length);
    const store = createStore(client, { table: "lab.counters" });
    expect((await store.keys({ prefix: "i!value!" })).length).toBe(records.length);
    expect((await store.keys({ prefix: "u!slot!" })).length).toBe(withSlot.length);
  }, 60_000);
});
