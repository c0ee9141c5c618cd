import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import type { JsonValue } from "#base/json.ts";
import { limits, MiB } from "#base/limits.ts";
import { expectError } from "#conformance/expect-error.ts";
import { MemoryStore } from "#core/store/memory-store.ts";
import { reservedTables } from "#core/store/reserved-tables.ts";
import { Store as StoreService } from "#gen/store/store_pb.ts";
import type { StoreChange } from "#interface/store.ts";
import { createProtoClient, type ProtoClient } from "#service/proto.ts";
import { serveStore, type StoreService as Served } from "../conformance/store-service.ts";
import { expectRefusal, post } from "./raw-call.ts";

const encoder = new TextEncoder();

/** A clock that a test sets. */
const clock = { nowMs: 1_000_000, now: () => clock.nowMs };

let store: MemoryStore;
let service: Served;
let admin: ProtoClient<typeof StoreService>;

beforeAll(async () => {
  store = new MemoryStore(clock);
  service = await serveStore(store, clock);
  admin = as("admin");
});

afterAll(() => service[Symbol.asyncDispose]());

function as(token: string): ProtoClient<typeof StoreService> {
  return createProtoClient(service.client(token), "store", StoreService);
}

/** A call in JSON, as curl makes it. */
function call(method: string, body: JsonValue | string): ReturnType<typeof post> {
  return post(`http://${service.address}/store.Store/${method}`, body, { authorization: "Bearer admin" });
}

function record(key: string, more: object = {}): { record: { key: string; value: Uint8Array } } {
  return { record: { key, value: encoder.encode("1"), ...more } };
}

async function collect(pages: AsyncIterable<{ readonly keys: string[] }>): Promise<string[][]> {
  const all: string[][] = [];
  for await (const { keys } of pages) all.push(keys);
  return all;
}

describe("Store.Read", () => {
  it("works in database and table micro when the request names none", async () => {
    await admin.write(record("plain"));
    expect((await store.read({ database: "micro", table: "micro" }, "plain"))?.value).toEqual(encoder.encode("1"));
    expect((await admin.read({ key: "plain" })).records).toMatchObject([{ key: "plain" }]);
    expect((await admin.read({ key: "plain", options: { database: "micro", table: "micro" } })).records).toHaveLength(
      1,
    );
  });

  it("says not found for one key, and nothing for a beginning or an end that nobody has", async () => {
    const refusal = await expectError(admin.read({ key: "nobody" }), "not_found");
    expect([refusal.id, refusal.detail]).toEqual(["store.Store.Read", "not found"]);
    await expectError(admin.read({ key: "nobody", options: { database: "unknown" } }), "not_found");
    expect((await admin.read({ key: "nobody", options: { prefix: true } })).records).toEqual([]);
    expect((await admin.read({ key: "nobody", options: { suffix: true } })).records).toEqual([]);
  });

  it("takes the key as beginning, as end, or as both", async () => {
    const options = { table: "ends" };
    for (const key of ["aXa", "aX", "Xa", "b"]) await admin.write({ ...record(key), options });
    const keys = async (key: string, more: object): Promise<string[]> =>
      (await admin.read({ key, options: { ...options, ...more } })).records.map((each) => each.key);
    expect(await keys("a", { prefix: true })).toEqual(["aX", "aXa"]);
    expect(await keys("a", { suffix: true })).toEqual(["Xa", "aXa"]);
    expect(await keys("a", { prefix: true, suffix: true })).toEqual(["aXa"]);
    expect(await keys("a", { endsWith: "X" })).toEqual(["aX"]);
    expect(await keys("", { endsWith: "a", order: "desc", limit: 1n })).toEqual(["aXa"]);
    expect(await keys("", { prefix: true, offset: 1n, limit: 2n })).toEqual(["aX", "aXa"]);
    expect(await keys("", { prefix: true, after: "aX" })).toEqual(["aXa", "b"]);
    await expectError(keys("a", { suffix: true, endsWith: "b" }), "invalid_argument");
  });

  it("refuses more than one answer takes and says how to get it", async () => {
    const scope = { database: "micro", table: "big" };
    const value = new Uint8Array(12 * MiB);
    for (const key of ["1", "2", "3"]) await store.write([{ kind: "put", scope, key, value }]);
    const options = { table: "big", prefix: true };
    const refusal = await expectError(admin.read({ key: "", options }), "payload_too_large");
    expect(refusal.detail).toContain("with limit and after");
    expect((await admin.read({ key: "", options: { ...options, limit: 2n } })).records).toHaveLength(2);
    expectRefusal(await call("Read", { key: "", options: { table: "big", prefix: true, limit: 2 } }), 413, /MiB/);
  });
});

describe("Store.Write", () => {
  it("keeps the type of each piece of metadata", async () => {
    const metadata = {
      plain: { type: "string", value: "text" },
      count: { type: "int64", value: "42" },
      none: { type: "", value: "" },
      marked: { type: "string", value: '\u0001["int64","1"]' },
      broken: { type: "string", value: "\u0001" },
    };
    await admin.write(record("typed", { metadata }));
    const [found] = (await admin.read({ key: "typed" })).records;
    expect(found?.metadata).toMatchObject(metadata);
    const kept = await store.read({ database: "micro", table: "micro" }, "typed");
    expect(kept?.metadata["plain"]).toBe("text");
  });

  it("counts the life of a record in whole seconds and in milliseconds", async () => {
    await admin.write(record("seconds", { expiry: 10n }));
    await admin.write(record("both", { expiry: 10n, expiryMs: 1_500n }));
    await admin.write(record("moment", { expiry: 10n, expiresAtMs: BigInt(clock.nowMs + 2_000) }));
    const life = async (key: string): Promise<unknown> => {
      const [found] = (await admin.read({ key })).records;
      return [found?.expiry, found?.expiryMs, found?.expiresAtMs];
    };
    clock.nowMs += 1;
    expect(await life("seconds")).toEqual([9n, 9_999n, BigInt(clock.nowMs + 9_999)]);
    expect(await life("both")).toEqual([1n, 1_499n, BigInt(clock.nowMs + 1_499)]);
    expect(await life("moment")).toEqual([1n, 1_999n, BigInt(clock.nowMs + 1_999)]);
    clock.nowMs += 1_498;
    // Less than a second is left, which whole seconds cannot say.
    expect(await life("both")).toEqual([1n, 1n, BigInt(clock.nowMs + 1)]);
    clock.nowMs += 1;
    await expectError(admin.read({ key: "both" }), "not_found");
    const all = await admin.read({ key: "", options: { prefix: true } });
    expect(all.records.map((each) => each.key)).not.toContain("both");
    expect((await collect(admin.list({}))).flat()).not.toContain("both");
    await admin.write(record("seconds"));
    expect(await life("seconds")).toEqual([0n, 0n, 0n]);
  });

  it("gives the revision that the next conditional write needs", async () => {
    const { revision } = await admin.write({ ...record("r"), expectedRevision: 0n });
    await expectError(admin.write({ ...record("r"), expectedRevision: 0n }), "conflict");
    const second = await admin.write({ ...record("r"), expectedRevision: revision });
    expect(second.revision).toBeGreaterThan(revision);
    await expectError(admin.delete({ key: "r", expectedRevision: revision }), "conflict");
    await admin.delete({ key: "r", expectedRevision: second.revision });
    await admin.delete({ key: "r" });
  });
});

describe("Store.Batch", () => {
  it("does all or nothing, and gives the revision of each record", async () => {
    const { revision } = await admin.write(record("kept"));
    const operations = [
      { action: { case: "write", value: record("batched").record }, expectedRevision: 0n },
      { action: { case: "delete", value: "nobody" } },
      { action: { case: "check", value: "kept" }, expectedRevision: revision },
    ] as const;
    const { revisions } = await admin.batch({ operations: [...operations] });
    expect(revisions).toEqual([expect.any(BigInt), 0n, revision]);
    const again = [{ action: { case: "write", value: record("new").record } } as const, ...operations];
    expect((await expectError(admin.batch({ operations: again }), "conflict")).detail).toContain("batched");
    await expectError(admin.read({ key: "new" }), "not_found");
  });
});

describe("Store.Execute", () => {
  it("does each task on its own", async () => {
    await admin.write(record("here"));
    const { outcomes } = await admin.execute({
      tasks: [
        { work: { case: "read", value: { key: "here" } } },
        { work: { case: "read", value: { key: "nobody" } } },
        { work: { case: "write", value: { ...record("here"), expectedRevision: 0n } } },
        { work: { case: "write", value: record("other") } },
        { work: { case: "delete", value: { key: "" } } },
        { work: { case: "batch", value: { operations: [] } } },
        { work: { case: "read", value: { key: "secret", options: { table: "auth" } } } },
        {},
      ],
    });
    const said = outcomes.map(({ result }) => (result.case === "failure" ? result.value.code : result.case));
    expect(said).toEqual(["read", 404, 409, "write", 400, 400, 403, 400]);
    expect(outcomes[1]?.result.value).toMatchObject({ detail: "not found" });
  });

  it("refuses too many tasks", async () => {
    const tasks = Array.from({ length: limits.storeTaskCountMax + 1 }, () => ({}));
    await expectError(admin.execute({ tasks }), "payload_too_large");
  });

  it("leaves out what does not fit into the answer, and only that", async () => {
    const scope = { database: "micro", table: "pieces" };
    const value = new Uint8Array(12 * MiB);
    for (const key of ["1", "2", "3"]) await store.write([{ kind: "put", scope, key, value }]);
    const read = (key: string) => ({ work: { case: "read" as const, value: { key, options: { table: "pieces" } } } });
    const { outcomes } = await admin.execute({ tasks: [read("1"), read("2"), read("3"), read("nobody")] });
    const said = outcomes.map(({ result }) => (result.case === "failure" ? result.value.code : result.case));
    expect(said).toEqual(["read", "read", 413, 404]);
  });
});

describe("Store.List", () => {
  it("sends many keys in several messages, each key once", async () => {
    const scope = { database: "micro", table: "many" };
    const keys = Array.from({ length: 2_500 }, (_, index) => `k${String(index).padStart(5, "0")}`);
    for (let at = 0; at < keys.length; at += 1_000) {
      await store.write(
        keys.slice(at, at + 1_000).map((key): StoreChange => ({ kind: "put", scope, key, value: encoder.encode("") })),
      );
    }
    const options = { table: "many" };
    const pages = await collect(admin.list({ options }));
    expect(pages.map((page) => page.length)).toEqual([1_000, 1_000, 500]);
    expect(pages.flat()).toEqual(keys);
    expect((await collect(admin.list({ options: { ...options, offset: 1_200n, limit: 1_100n } }))).flat()).toEqual(
      keys.slice(1_200, 2_300),
    );
    expect(
      (await collect(admin.list({ options: { ...options, suffix: "99", order: "desc", limit: 2n } }))).flat(),
    ).toEqual(["k02499", "k02399"]);
    expect((await collect(admin.list({ options: { ...options, after: "k02497" } }))).flat()).toEqual(keys.slice(-2));
  });

  it("sends one empty message when nothing matches", async () => {
    expect(await collect(admin.list({ options: { table: "nothing" } }))).toEqual([[]]);
  });
});

describe("the tables of the core services", () => {
  it.each([...reservedTables])("are out of reach: %s", async (table) => {
    await store.write([
      { kind: "put", scope: { database: "micro", table }, key: "secret", value: encoder.encode("s") },
    ]);
    const options = { database: "micro", table };
    for (const attempt of [
      () => admin.read({ key: "secret", options }),
      () => admin.read({ key: "", options: { ...options, prefix: true } }),
      () => admin.write({ ...record("secret"), options }),
      () => admin.delete({ key: "secret", options }),
      () => admin.batch({ operations: [{ action: { case: "delete", value: "secret" } }], options }),
      () => collect(admin.list({ options })),
    ]) {
      const refusal = await expectError(attempt(), "permission_denied");
      expect(refusal.detail).toBe(`table ${table} of database micro belongs to the server: use another table`);
    }
    await expectError(admin.read({ key: "secret", options: { table } }), "permission_denied");
    expect((await admin.tables({})).tables).not.toContain(table);
    expect((await store.read({ database: "micro", table }, "secret"))?.value).toEqual(encoder.encode("s"));
  });

  it("are nothing special in the database of another namespace", async () => {
    const options = { database: "other", table: "auth" };
    await as("other-admin").write({ ...record("mine"), options });
    expect((await as("other-admin").tables({ database: "other" })).tables).toContain("auth");
  });
});

describe("access to the store", () => {
  const reach = (client: ProtoClient<typeof StoreService>, database: string): readonly (() => Promise<unknown>)[] => [
    () => client.read({ key: "a", options: { database, prefix: true } }),
    () => client.write({ ...record("a"), options: { database } }),
    () => client.delete({ key: "a", options: { database } }),
    () => client.batch({ operations: [{ action: { case: "delete", value: "a" } }], options: { database } }),
    () => collect(client.list({ options: { database } })),
    () => client.tables({ database }),
  ];

  it("is refused without an account", async () => {
    for (const attempt of reach(as("nobody"), "micro")) await expectError(attempt(), "unauthenticated");
    await expectError(as("nobody").databases({}), "unauthenticated");
  });

  it("is refused to accounts that are no administrators", async () => {
    for (const attempt of reach(as("user"), "micro")) await expectError(attempt(), "permission_denied");
  });

  it("is refused in the database of another namespace", async () => {
    for (const name of ["other-admin", "other-service"]) {
      for (const attempt of reach(as(name), "micro")) await expectError(attempt(), "permission_denied");
      for (const attempt of reach(as(name), "third")) await expectError(attempt(), "permission_denied");
      await expectError(as(name).databases({}), "permission_denied");
      for (const attempt of reach(as(name), "other")) await attempt();
    }
  });

  it("is given everywhere to administrators of the installation", async () => {
    for (const attempt of reach(admin, "other")) await attempt();
    expect((await admin.databases({})).databases).toContain("micro");
  });
});

describe("bad input to the store", () => {
  it.each([
    ["Read", { key: "a", options: { limit: -1, prefix: true } }, "options.limit"],
    ["Read", { key: "a", options: { offset: "-1", prefix: true } }, "options.offset"],
    ["Read", { key: "a", options: { limit: 1.5, prefix: true } }, "options.limit"],
    ["Read", { key: "a", options: { order: "up", prefix: true } }, "order is asc or desc"],
    ["Read", {}, "key is missing"],
    ["Read", { key: "a", options: { table: "../auth" } }, "is not a table name"],
    ["Read", { key: "a", options: { database: "../micro" } }, "is not a database name"],
    ["Write", {}, "record is missing"],
    ["Write", { record: { value: "YQ==" } }, "key is missing"],
    ["Write", { record: { key: "a", expiry: -1 } }, "record.expiry is -1"],
    ["Write", { record: { key: "a", expiryMs: "-5" } }, "record.expiry_ms is -5"],
    ["Write", { record: { key: "a", expiry: "9000000000000000000" } }, "record.expiry is 9000000000000000000"],
    ["Write", { record: { key: "a", value: "not base64!" } }, "record.value"],
    ["Write", { record: { key: "a" }, expectedRevision: -1 }, "expected_revision: -1"],
    ["Delete", {}, "key is missing"],
    ["Delete", { key: "a", options: { table: "a/b" } }, "is not a table name"],
    ["Batch", {}, "at least one change"],
    ["Batch", { operations: [{}] }, "one of these is none"],
    ["Batch", { operations: [{ check: "a" }] }, "needs an expected_revision"],
    ["Batch", { operations: [{ delete: "a" }, { delete: "a" }] }, "twice"],
    ["Tables", { database: "a b" }, "is not a database name"],
  ] as const)("%s refuses %j", async (method, body, detail) => {
    expectRefusal(await call(method, body), 400, detail);
  });

  it("refuses keys and batches above the limits", async () => {
    expectRefusal(await call("Read", { key: "k".repeat(limits.storeKeyBytesMax + 1) }), 413, "a key is at most");
    const operations = Array.from({ length: limits.storeBatchCountMax + 1 }, (_, index) => ({ delete: `${index}` }));
    expectRefusal(await call("Batch", { operations }), 413, "at most");
  });
});
