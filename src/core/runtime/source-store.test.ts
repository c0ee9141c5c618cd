import { describe, expect, it } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { MemoryStore } from "#core/store/memory-store.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { runtimeScope } from "./runtime-scope.ts";
import { SourceStore } from "./source-store.ts";
import { tarOf } from "./tar-fixture.ts";

const key = { namespace: "foo", name: "greeter", version: "latest" };
const dayMs = 24 * 3_600_000;
const nothingUsed = { hashes: new Set<string>(), keys: new Set<string>() };

function createSources(runtimeFolder: string) {
  let nowMs = 1_000_000;
  const clock = { now: () => nowMs };
  const store = new MemoryStore(clock);
  const sources = new SourceStore({ store, clock, runtimeFolder });
  const put = (text: string, at = key) => sources.put(at, chunks(text), () => []);
  return { sources, store, put, pass: (ms: number) => (nowMs += ms) };
}

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield tarOf([
    { name: "b.ts", text },
    { name: "a.ts", text: "same" },
  ]);
}

describe("SourceStore.put()", () => {
  it("answers with the id, and keeps equal content once", async () => {
    await using temp = await createTempFolder();
    const { sources, put } = createSources(temp.path);
    expect(await put("one")).toBe("source://greeter:latest");
    await put("one", { ...key, namespace: "bar" });
    const sha256 = await sources.resolve(key);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(await sources.resolve({ ...key, namespace: "bar" })).toBe(sha256);
    expect(await readdir(`${temp.path}/sources`)).toEqual([sha256 ?? ""]);
  });

  it("means the new content after another upload, and keeps the old until it is collected", async () => {
    await using temp = await createTempFolder();
    const { sources, put } = createSources(temp.path);
    await put("one");
    const first = await sources.resolve(key);
    await put("two");
    expect(await sources.resolve(key)).not.toBe(first);
    expect(sources.has(first ?? "")).toBe(true);
  });

  it("is unknown in other namespaces and versions", async () => {
    await using temp = await createTempFolder();
    const { sources, put } = createSources(temp.path);
    await put("one");
    expect(await sources.resolve({ ...key, namespace: "bar" })).toBeUndefined();
    expect(await sources.resolve({ ...key, version: "latest2" })).toBeUndefined();
  });

  it("refuses bad names, and leaves nothing of an archive that it refuses", async () => {
    await using temp = await createTempFolder();
    const { sources, put, store } = createSources(temp.path);
    await expect(put("x", { ...key, name: "../up" })).rejects.toMatchObject({ code: "invalid_argument" });
    const hostile = (async function* () {
      yield tarOf([{ name: "ok", text: "x" }, { name: "../up" }]);
    })();
    await expect(sources.put(key, hostile, () => [])).rejects.toMatchObject({ code: "invalid_argument" });
    const expected = [{ path: "b.ts", sha256: "00", sizeBytes: 1, isExecutable: false }];
    await expect(sources.put(key, chunks("x"), () => expected)).rejects.toMatchObject({ code: "invalid_argument" });
    expect(await readdir(`${temp.path}/sources`)).toEqual([]);
    expect(await store.keys(runtimeScope)).toEqual([]);
  });
});

describe("SourceStore.collect()", () => {
  it("keeps what services run and what was uploaded today, and removes the rest", async () => {
    await using temp = await createTempFolder();
    const { sources, put, pass } = createSources(temp.path);
    await put("used");
    const used = (await sources.resolve(key)) ?? "";
    await put("replaced");
    const replaced = (await sources.resolve(key)) ?? "";
    await put("present");
    await put("unused", { ...key, name: "other" });
    await sources.collect({ hashes: new Set([used]), keys: new Set() });
    expect(await readdir(`${temp.path}/sources`)).toHaveLength(3);
    expect(sources.has(replaced)).toBe(false);
    pass(2 * dayMs);
    await sources.collect({ hashes: new Set([used]), keys: new Set() });
    expect(await readdir(`${temp.path}/sources`)).toEqual([used]);
    expect(await sources.resolve(key)).toBeUndefined();
  });

  it("removes nothing while somebody works with sources", async () => {
    await using temp = await createTempFolder();
    const { sources, put, pass } = createSources(temp.path);
    await put("one");
    const sha256 = (await sources.resolve(key)) ?? "";
    pass(2 * dayMs);
    await sources.holding(() => sources.collect(nothingUsed));
    expect(sources.has(sha256)).toBe(true);
    await sources.collect(nothingUsed);
    expect(sources.has(sha256)).toBe(false);
  });
});

describe("SourceStore.removeLeftovers()", () => {
  it("removes what a crash left of uploads", async () => {
    await using temp = await createTempFolder();
    const { sources, put } = createSources(temp.path);
    await put("one");
    await mkdir(`${temp.path}/sources/.incoming-of-a-crash`);
    await sources.removeLeftovers();
    expect(existsSync(`${temp.path}/sources/.incoming-of-a-crash`)).toBe(false);
    expect(await readdir(`${temp.path}/sources`)).toHaveLength(1);
  });
});
