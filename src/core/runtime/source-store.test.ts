import { describe, expect, it } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir } from "node:fs/promises";
import { systemClock } from "#base/clock.ts";
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
  const hashOf = async (at = key) => (await sources.resolve(at))?.sha256;
  const put = (text: string, at = key) => sources.put(at, { chunks: chunks(text) });
  return { sources, store, put, hashOf, pass: (ms: number) => (nowMs += ms) };
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
    const { put, hashOf } = createSources(temp.path);
    expect(await put("one")).toBe("source://greeter:latest");
    await put("one", { ...key, namespace: "bar" });
    const sha256 = await hashOf(key);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(await hashOf({ ...key, namespace: "bar" })).toBe(sha256);
    expect(await readdir(`${temp.path}/sources`)).toEqual([sha256 ?? ""]);
  });

  it("means the new content after another upload, and keeps the old until it is collected", async () => {
    await using temp = await createTempFolder();
    const { sources, put, hashOf } = createSources(temp.path);
    await put("one");
    const first = await hashOf(key);
    await put("two");
    expect(await hashOf(key)).not.toBe(first);
    expect(sources.has(first ?? "")).toBe(true);
  });

  it("is unknown in other namespaces and versions", async () => {
    await using temp = await createTempFolder();
    const { put, hashOf } = createSources(temp.path);
    await put("one");
    expect(await hashOf({ ...key, namespace: "bar" })).toBeUndefined();
    expect(await hashOf({ ...key, version: "latest2" })).toBeUndefined();
  });

  it("refuses bad names, and leaves nothing of an archive that it refuses", async () => {
    await using temp = await createTempFolder();
    const { sources, put, store } = createSources(temp.path);
    await expect(put("x", { ...key, name: "../up" })).rejects.toMatchObject({ code: "invalid_argument" });
    const hostile = (async function* () {
      yield tarOf([{ name: "ok", text: "x" }, { name: "../up" }]);
    })();
    await expect(sources.put(key, { chunks: hostile })).rejects.toMatchObject({ code: "invalid_argument" });
    const expected = [{ path: "b.ts", sha256: "00", sizeBytes: 1, isExecutable: false }];
    await expect(sources.put(key, { chunks: chunks("x"), expected: () => expected })).rejects.toMatchObject({
      code: "invalid_argument",
    });
    expect(await readdir(`${temp.path}/sources`)).toEqual([]);
    expect(await store.keys(runtimeScope)).toEqual([]);
  });
});

describe("SourceStore.missing()", () => {
  it("names what no upload to the namespace holds, and what left it out is completed", async () => {
    await using temp = await createTempFolder();
    const { sources, store, put, hashOf } = createSources(temp.path);
    await put("one");
    const [one, same, other] = ["one", "same", "other"].map(sha256Of);
    const asked = [one ?? "", same ?? "", other ?? ""];
    expect(await sources.missing("foo", asked)).toEqual([other ?? ""]);
    expect(await sources.missing("bar", asked)).toEqual(asked);
    // Another server knows only what is on disk.
    const later = new SourceStore({ store, clock: systemClock, runtimeFolder: temp.path });
    expect(await later.missing("foo", asked)).toEqual([other ?? ""]);

    const files = [fileOf("a.ts", "same"), fileOf("deep/b.ts", "one"), fileOf("c.ts", "other")];
    const whole = tarOf([
      { name: "a.ts", text: "same" },
      { name: "deep/b.ts", text: "one" },
      { name: "c.ts", text: "other" },
    ]);
    await sources.put({ ...key, name: "whole" }, { chunks: once(whole) });
    const part = { chunks: once(tarOf([{ name: "c.ts", text: "other" }])), expected: () => files };
    await sources.put({ ...key, name: "part" }, part);
    expect(await hashOf({ ...key, name: "part" })).toBe((await hashOf({ ...key, name: "whole" })) ?? "");
    // All of it is there already.
    await sources.put({ ...key, name: "again" }, { chunks: once(tarOf([])), expected: () => files });
    expect(await hashOf({ ...key, name: "again" })).toBe((await hashOf({ ...key, name: "whole" })) ?? "");
  });

  it("is no way to what others have, nor to what is not there", async () => {
    await using temp = await createTempFolder();
    const { sources, put } = createSources(temp.path);
    await put("one", { ...key, namespace: "bar" });
    const lacking = { chunks: once(tarOf([])), expected: () => [fileOf("a.ts", "one")] };
    await expect(sources.put(key, lacking)).rejects.toMatchObject({ code: "conflict" });
    for (const wrong of [
      { ...fileOf("c.ts", "other"), sha256: sha256Of("one") },
      { ...fileOf("c.ts", "other"), sizeBytes: 3 },
      { ...fileOf("c.ts", "other"), isExecutable: true },
      fileOf("d.ts", "one"),
    ]) {
      const upload = { chunks: once(tarOf([{ name: "c.ts", text: "other" }])), expected: () => [wrong] };
      await expect(sources.put({ ...key, namespace: "bar" }, upload)).rejects.toMatchObject({
        code: "invalid_argument",
      });
    }
    const twice = { chunks: once(tarOf([])), expected: () => [fileOf("a", "one"), fileOf("a/b", "one")] };
    await expect(sources.put({ ...key, namespace: "bar" }, twice)).rejects.toMatchObject({ code: "invalid_argument" });
    expect((await readdir(`${temp.path}/sources`)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("does not take a kept file that was damaged for what it was", async () => {
    await using temp = await createTempFolder();
    const { sources, put, hashOf } = createSources(temp.path);
    await put("one");
    const path = `${temp.path}/sources/${await hashOf(key)}/b.ts`;
    await chmod(path, 0o600);
    await Bun.write(path, "two");
    const upload = { chunks: once(tarOf([])), expected: () => [fileOf("b.ts", "one")] };
    await expect(sources.put(key, upload)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

describe("SourceStore.collect()", () => {
  it("keeps what services run and what was uploaded today, and removes the rest", async () => {
    await using temp = await createTempFolder();
    const { sources, put, pass, hashOf } = createSources(temp.path);
    await put("used");
    const used = (await hashOf(key)) ?? "";
    await put("replaced");
    const replaced = (await hashOf(key)) ?? "";
    await put("present");
    await put("unused", { ...key, name: "other" });
    await sources.collect({ hashes: new Set([used]), keys: new Set() });
    expect(await readdir(`${temp.path}/sources`)).toHaveLength(3);
    expect(sources.has(replaced)).toBe(false);
    pass(2 * dayMs);
    await sources.collect({ hashes: new Set([used]), keys: new Set() });
    expect(await readdir(`${temp.path}/sources`)).toEqual([used]);
    expect(await hashOf(key)).toBeUndefined();
  });

  it("removes nothing while somebody works with sources", async () => {
    await using temp = await createTempFolder();
    const { sources, put, pass, hashOf } = createSources(temp.path);
    await put("one");
    const sha256 = (await hashOf(key)) ?? "";
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

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function sha256Of(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

function fileOf(path: string, text: string) {
  return { path, sha256: sha256Of(text), sizeBytes: text.length, isExecutable: false };
}
