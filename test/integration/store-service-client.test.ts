import { afterEach, beforeEach, describe, expect, it } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MiB } from "#base/limits.ts";
import { expectError } from "#conformance/expect-error.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import { createClient } from "#service/client.ts";
import { createStore, type StoreTable } from "#service/store.ts";
import { baseEnvironment, runCommand } from "#testing/run-command.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { buildSdk } from "../../scripts/build-sdk.ts";
import { serveStore, type StoreService } from "../conformance/store-service.ts";

let folder: TempFolder;
let driver: SqliteStore;
let service: StoreService;
let store: StoreTable;

beforeEach(async () => {
  folder = await createTempFolder();
  driver = await SqliteStore.open({ folder: folder.path });
  service = await serveStore(driver);
  store = createStore(service.client());
});

afterEach(async () => {
  await service[Symbol.asyncDispose]();
  await driver.close();
  await folder[Symbol.asyncDispose]();
});

function many(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `k${String(index).padStart(5, "0")}`);
}

describe("createStore()", () => {
  it("takes the table of its origin in the database of its namespace", async () => {
    const client = service.client("other-service", "other");
    const own = createStore(client);
    await own.write("a", "1");
    expect([own.database, own.table]).toEqual(["other", "suite"]);
    expect((await driver.read({ database: "other", table: "suite" }, "a"))?.key).toBe("a");
    expect(await own.tables()).toEqual(["suite"]);
    const sibling = own.withTable("sibling");
    await sibling.write("b", "2");
    expect(await own.keys()).toEqual(["a"]);
    expect(await own.tables()).toEqual(["sibling", "suite"]);
    await expectError(createStore(client, { database: "micro" }).read("a"), "permission_denied");
  });

  it("refuses names that are none before anything is sent", () => {
    const origin = service.client();
    expect(() => createStore(origin, { table: "../auth" })).toThrow("is not a table name");
    expect(() => createStore(origin, { database: "" })).toThrow("database name is missing");
    expect(service.calls).toEqual([]);
  });
});

describe("StoreTable values", () => {
  it("are bytes, text or JSON", async () => {
    await store.write("text", "grüße", { metadata: { language: "de" } });
    await store.writeJson("json", { list: [1, null], text: "ä" });
    expect(await store.read("text")).toMatchObject({ key: "text", metadata: { language: "de" } });
    expect(await store.readText("text")).toBe("grüße");
    expect(await store.readJson<object>("json")).toEqual({ list: [1, null], text: "ä" });
    expect(await store.readJson("nobody")).toBeUndefined();
    await expectError(store.readJson("text"), "failed_precondition");
    await expectError(store.writeJson("a", undefined), "invalid_argument");
    await expectError(store.writeJson("a", 1n), "invalid_argument");
  });

  it("end when they shall", async () => {
    await store.write("long", "1", { expiresInMs: 60_000 });
    const found = await store.read("long");
    expect(found?.expiresAtMs).toBeGreaterThan(Date.now());
    expect(found?.expiresAtMs).toBeLessThanOrEqual(Date.now() + 60_000);
    await store.write("over", "1", { expiresAtMs: Date.now() - 1 });
    expect(await store.read("over")).toBeUndefined();
    await expectError(store.write("bad", "1", { expiresInMs: 0 }), "invalid_argument");
    await expectError(store.write("bad", "1", { expiresInMs: -5 }), "invalid_argument");
  });
});

describe("calls at the same time", () => {
  it("share a few calls, and each has its own outcome", async () => {
    await store.write("taken", "1");
    const before = service.calls.length;
    const results = await Promise.allSettled([
      ...many(100).map((key) => store.write(key, key)),
      store.write("taken", "2", { expectedRevision: 0 }),
      store.write("", "no key"),
      store.read("nobody"),
      store.readText("taken"),
      store.delete("nobody"),
    ]);
    expect(service.calls.slice(before)).toEqual(["Store.Execute"]);
    expect(results.filter((each) => each.status === "fulfilled")).toHaveLength(103);
    const [conflict, bad, nothing, text] = results.slice(100);
    expect(conflict).toMatchObject({ status: "rejected", reason: { code: "conflict" } });
    expect(bad).toMatchObject({ status: "rejected", reason: { code: "invalid_argument", detail: "key is missing" } });
    expect([nothing, text]).toEqual([
      { status: "fulfilled", value: undefined },
      { status: "fulfilled", value: "1" },
    ]);
    expect(await store.keys({ prefix: "k" })).toEqual(many(100));
  });

  it("gather behind the calls that are under way", async () => {
    let doneCount = 0;
    const before = service.calls.length;
    const worker = async (name: number): Promise<void> => {
      for (let index = 0; index < 20; index += 1) {
        await store.write(`${name}-${index}`, "1");
        doneCount += 1;
      }
    };
    await Promise.all(Array.from({ length: 50 }, (_, name) => worker(name)));
    expect(doneCount).toBe(1_000);
    expect(service.calls.length - before).toBeLessThan(100);
  });

  it("keep the order of those of one key, however many there are", async () => {
    const keys = Array.from({ length: 3_000 }, (_, index) => `k${index % 7}`);
    const revisions = await Promise.all(keys.map((key, index) => store.write(key, String(index))));
    for (const key of new Set(keys)) {
      const own = revisions.filter((_, index) => keys[index] === key);
      expect(own).toEqual(own.toSorted((left, right) => left - right));
      expect(await store.readText(key)).toBe(String(keys.lastIndexOf(key)));
    }
  });

  it("go one by one where their answers are too big together", async () => {
    const value = new Uint8Array(12 * MiB);
    for (const key of ["1", "2", "3", "4"]) await store.write(key, value);
    const found = await Promise.all(["1", "2", "nobody", "3", "4"].map((key) => store.read(key)));
    expect(found.map((each) => each?.value.length)).toEqual([
      value.length,
      value.length,
      undefined,
      value.length,
      value.length,
    ]);
  });

  it("all fail, as unavailable, when the store cannot be reached", async () => {
    const client = createClient({ address: "127.0.0.1:1", token: "admin", variables: {} });
    const away = createStore(client);
    const results = await Promise.allSettled([away.read("a"), away.write("a", "1"), away.delete("a")]);
    await client.stop();
    expect(results).toMatchObject(results.map(() => ({ status: "rejected", reason: { code: "unavailable" } })));
  });

  it("are refused above what may wait, and go on afterwards", async () => {
    const value = new Uint8Array(MiB);
    const results = await Promise.allSettled(Array.from({ length: 80 }, (_, index) => store.write(`${index}`, value)));
    const refused = results.filter((each) => each.status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    for (const each of refused) expect(each.reason).toMatchObject({ code: "too_many_requests" });
    expect(await store.keys()).toHaveLength(80 - refused.length);
  });

  it("lose no update of two clients that expect a revision", async () => {
    await store.writeJson("count", 0);
    const increment = async (table: StoreTable): Promise<void> => {
      for (;;) {
        const found = await table.read("count");
        const count = Number(new TextDecoder().decode(found?.value)) + 1;
        const options = { expectedRevision: found?.revision ?? 0 };
        const written = await table.writeJson("count", count, options).catch((reason: unknown) => reason);
        if (typeof written === "number") return;
        expect(written).toMatchObject({ code: "conflict" });
      }
    };
    const second = createStore(service.client());
    await Promise.all(Array.from({ length: 40 }, (_, index) => increment(index % 2 === 0 ? store : second)));
    expect(await store.readJson("count")).toBe(40);
  });
});

describe("StoreTable.records()", () => {
  it("pages through more than one answer takes", async () => {
    const value = new Uint8Array(12 * MiB);
    for (const key of ["1", "2", "3", "4", "5"]) await store.write(key, value);
    const seen: string[] = [];
    for await (const record of store.records()) seen.push(record.key);
    expect(seen).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("gives each record once while others write", async () => {
    const keys = many(1_200);
    await Promise.all(keys.map((key) => store.write(key, "1")));
    const seen: string[] = [];
    let count = 0;
    for await (const { key } of store.records({ prefix: "k" })) {
      seen.push(key);
      count += 1;
      if (count % 100 === 0) await Promise.all([store.write(`a${count}`, "new"), store.write(key, "again")]);
    }
    expect(seen).toEqual(keys);
    const down: string[] = [];
    for await (const { key } of store.records({ order: "desc", prefix: "k", suffix: "7", offset: 1, limit: 3 }))
      down.push(key);
    expect(down).toEqual(["k01187", "k01177", "k01167"]);
  });

  it("stops asking when the loop is left", async () => {
    await Promise.all(many(600).map((key) => store.write(key, "1")));
    const before = service.calls.length;
    for await (const { key } of store.records()) if (key === "k00003") break;
    expect(service.calls.slice(before)).toEqual(["Store.Read"]);
  });
});

const program = `
import { createClient } from "micro-ts/client";
import { createStore } from "micro-ts/store";
const client = createClient({ address: process.env.ADDRESS, token: "admin", variables: {} });
const store = createStore(client, { table: "program" });
await Promise.all(Array.from({ length: 300 }, (_, index) => store.writeJson("k" + index, { index })));
const revision = await store.write("bytes", new Uint8Array([1, 2, 255]), { metadata: { a: "b" }, expiresInMs: 60000 });
const conflict = await store.write("bytes", "", { expectedRevision: 0 }).catch((error) => error.code);
const found = await store.read("bytes");
let sum = 0;
for await (const record of store.records({ prefix: "k" })) sum += JSON.parse(new TextDecoder().decode(record.value)).index;
await store.batch([{ kind: "delete", key: "k0" }, { kind: "check", key: "bytes", expectedRevision: revision }]);
const keys = await store.keys({ prefix: "k", limit: 2 });
console.log(JSON.stringify([conflict, [...found.value], found.metadata, found.revision === revision, sum, keys, await store.read("k0") ?? null]));
await client.stop();
`;

describe("micro-ts/store", () => {
  it.each([
    ["Node", "node"],
    ["Bun", process.execPath],
  ])("works on %s", async (_name, runtime) => {
    await using place = await createTempFolder();
    await buildSdk(join(place.path, "node_modules/micro-ts"));
    await writeFile(join(place.path, "package.json"), '{"type": "module"}');
    await writeFile(join(place.path, "main.js"), program);
    const command = runtime === "node" ? [runtime, "main.js"] : [runtime, "--no-install", "main.js"];
    const env = { ...baseEnvironment(), ADDRESS: service.address };
    const { stdout, stderr } = await runCommand(command, { cwd: place.path, env });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual(["conflict", [1, 2, 255], { a: "b" }, true, 44_850, ["k1", "k10"], null]);
  });
});
