import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { readdir, utimes, writeFile } from "node:fs/promises";
import { silentLogger } from "#base/logger.ts";
import type { LogLine } from "#interface/runtime.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { LogFile, type LogRetention } from "./log-file.ts";
import { formatLogLine, parseLogLine } from "./log-line.ts";
import { readLinesBackward, readLinesForward } from "./read-log-lines.ts";
import { logFileName } from "./service-logs.ts";
import { ServiceLog } from "./service-log.ts";

function createLog(
  folder: string,
  retention: LogRetention = {},
): { log: ServiceLog; readonly setTime: (ms: number) => void } {
  let nowMs = 1_000;
  const clock = { now: () => nowMs };
  const log = new ServiceLog({ path: `${folder}/a/greeter.log`, clock, logger: silentLogger }, retention);
  return { log, setTime: (ms) => void (nowMs = ms) };
}

const texts = async (lines: AsyncIterable<LogLine>): Promise<string[]> =>
  (await Array.fromAsync(lines)).map(({ text }) => text);

describe("ServiceLog.read()", () => {
  it("gives all lines, the last so many, or those since a moment", async () => {
    await using temp = await createTempFolder();
    const { log, setTime } = createLog(temp.path);
    await log.write("i1", "stdout", ["one", "two"]);
    setTime(2_000);
    await log.write("i1", "stderr", ["three", ""]);
    expect(await texts(log.read({}))).toEqual(["one", "two", "three", ""]);
    expect(await texts(log.read({ count: 3 }))).toEqual(["two", "three", ""]);
    expect(await texts(log.read({ count: 0 }))).toEqual([]);
    expect(await texts(log.read({ sinceMs: 1_500 }))).toEqual(["three", ""]);
    expect(await texts(log.read({ sinceMs: 1_500, count: 1 }))).toEqual([""]);
    expect((await Array.fromAsync(log.read({ count: 2 })))[0]).toEqual({
      timestampMs: 2_000,
      instance: "i1",
      stream: "stderr",
      text: "three",
    });
    await log.close();
  });

  it("misses no line between what was and what comes", async () => {
    await using temp = await createTempFolder();
    const { log } = createLog(temp.path);
    const written: string[] = [];
    const write = async (): Promise<void> => {
      for (let index = 0; index < 200; index += 1) {
        written.push(`line ${index}`);
        await log.write("i1", "stdout", [`line ${index}`]);
      }
    };
    const writing = write();
    const reading = texts(log.read({ follow: true }));
    await writing;
    await log.close();
    expect(await reading).toEqual(written);
  });

  it("ends with its reader's signal", async () => {
    await using temp = await createTempFolder();
    const { log } = createLog(temp.path);
    await log.write("i1", "stdout", ["one"]);
    const abort = new AbortController();
    const seen: string[] = [];
    for await (const { text } of log.read({ follow: true, signal: abort.signal })) {
      seen.push(text);
      abort.abort();
    }
    expect(seen).toEqual(["one"]);
    await log.close();
  });

  it("costs nothing while nobody asks, and tells a reader that comes back too late what is missing", async () => {
    await using temp = await createTempFolder();
    const { log } = createLog(temp.path, { bytesMax: 4_000 });
    const reader = log.read({ follow: true, count: 0 });
    const first = reader.next();
    await log.write("i1", "stdout", ["first"]);
    expect((await first).value?.text).toBe("first");
    for (let index = 0; index < 1_000; index += 1) await log.write("i1", "stdout", [`burst ${index}`]);
    const seen: string[] = [];
    while (seen.at(-1) !== "burst 999") seen.push((await reader.next()).value?.text ?? "");
    const gap = seen.findIndex((text) => text.startsWith("lines are left out here"));
    expect(gap).toBeGreaterThanOrEqual(0);
    expect(seen.slice(gap + 1).length).toBeGreaterThan(50);
    expect(seen.slice(gap + 1)).toEqual(seen.slice(gap + 1).map((_, at, rest) => `burst ${1_000 - rest.length + at}`));
    await reader.return(undefined);
    await log.close();
  });

  it("gives the lines of one instance, or those that hold a text, the last so many of them too", async () => {
    await using temp = await createTempFolder();
    const { log } = createLog(temp.path);
    const reader = log.read({ follow: true, grep: "odd", instance: "a" });
    const first = reader.next();
    for (let index = 0; index < 100; index += 1) {
      await log.write(index < 50 ? "a1" : "b1", "stdout", [`${index % 2 === 0 ? "even" : "odd"} ${index}`]);
    }
    expect(await texts(log.read({ grep: "odd", count: 2 }))).toEqual(["odd 97", "odd 99"]);
    expect(await texts(log.read({ instance: "a", count: 1 }))).toEqual(["odd 49"]);
    expect(await texts(log.read({ instance: "a1", grep: "odd 4" }))).toEqual([
      "odd 41",
      "odd 43",
      "odd 45",
      "odd 47",
      "odd 49",
    ]);
    expect((await first).value?.text).toBe("odd 1");
    await log.close();
    expect((await Array.fromAsync(reader)).length).toBe(24);
  });

  it("begins at a moment without a look at all that is before it", async () => {
    await using temp = await createTempFolder();
    const { log, setTime } = createLog(temp.path);
    for (let second = 0; second < 50; second += 1) {
      setTime(second * 1_000);
      await log.write(
        "i1",
        "stdout",
        Array.from({ length: 200 }, (_, at) => `${second}.${at} ${"x".repeat(second * 5)}`),
      );
    }
    for (const sinceMs of [0, 1, 1_000, 24_500, 25_000, 48_999, 49_000, 50_000]) {
      const lines = await texts(log.read({ sinceMs }));
      expect(lines.length).toBe(Math.max(0, 50 - Math.ceil(sinceMs / 1_000)) * 200);
      if (lines.length > 0) expect(lines[0]).toStartWith(`${Math.ceil(sinceMs / 1_000)}.0 `);
    }
    await log.close();
  });

  it("starts anew after what a killed server left in the middle of a line", async () => {
    await using temp = await createTempFolder();
    const line = formatLogLine({ timestampMs: 0, instance: "i", stream: "stdout", text: "whole" });
    await Bun.write(`${temp.path}/a/greeter.log`, `rubbish\n${line}1970-01-0`);
    const { log } = createLog(temp.path);
    await log.write("i1", "stdout", ["new"]);
    expect(await texts(log.read({}))).toEqual(["whole", "new"]);
    await log.close();
  });

  it("goes on when the disk refuses its lines", async () => {
    await using temp = await createTempFolder();
    await writeFile(`${temp.path}/a`, "a file where the folder should be");
    const { log } = createLog(temp.path);
    await log.write("i1", "stdout", ["lost"]);
    await log.close();
  });
});

function lineOf(text: string, timestampMs = 5): string {
  return formatLogLine({ timestampMs, instance: "i", stream: "stdout", text });
}

async function readAll(file: LogFile): Promise<string[]> {
  const lines = [];
  for (const part of await file.parts()) lines.push(...(await texts(readLinesForward(file, part))));
  return lines;
}

describe("LogFile", () => {
  it("starts a new file when one is full, and keeps the newest within its size", async () => {
    await using temp = await createTempFolder();
    const file = new LogFile(`${temp.path}/x.log`, { bytesMax: 400 });
    for (let index = 0; index < 40; index += 1) await file.append(lineOf(`line ${index}`), 5);
    const parts = await file.parts();
    expect(parts.map((part) => part.file - file.current)).toEqual([-3, -2, -1, 0]);
    expect(parts.every(({ sizeBytes }) => sizeBytes <= 100)).toBe(true);
    expect((await readdir(temp.path)).toSorted()).toEqual(["x.log", "x.log.1", "x.log.2", "x.log.3"]);
    const lines = await readAll(file);
    expect(lines.length).toBeGreaterThanOrEqual(7);
    expect(lines).toEqual(lines.map((_, at) => `line ${40 - lines.length + at}`));
    await file.remove();
    expect(await readdir(temp.path)).toEqual([]);
  });

  it("starts a new file when one is old, and removes those whose last line is", async () => {
    await using temp = await createTempFolder();
    const hourMs = 3_600_000;
    const nowMs = Date.now();
    const file = new LogFile(`${temp.path}/x.log`, { ageMaxMs: 4 * hourMs });
    await file.append(lineOf("first", nowMs), nowMs);
    await file.append(lineOf("second", nowMs + hourMs), nowMs + hourMs);
    expect(await readdir(temp.path)).toHaveLength(2);
    await utimes(`${temp.path}/x.log.1`, new Date(nowMs), new Date(nowMs));
    await utimes(`${temp.path}/x.log`, new Date(nowMs + hourMs), new Date(nowMs + hourMs));
    await file.removeOld(nowMs + 4.5 * hourMs);
    expect(await readAll(file)).toEqual(["second"]);
    await file.removeOld(nowMs + 6 * hourMs);
    expect(await readAll(file)).toEqual([]);
    await file.append(lineOf("third"), nowMs + 6 * hourMs);
    expect(await readAll(file)).toEqual(["third"]);
    await file.close();
  });

  it("knows after a restart how old a file is that it goes on with", async () => {
    await using temp = await createTempFolder();
    const file = new LogFile(`${temp.path}/x.log`, { ageMaxMs: 4_000 });
    await file.append(lineOf("first", 10_000), 10_000);
    await file.close();
    const next = new LogFile(`${temp.path}/x.log`, { ageMaxMs: 4_000 });
    await next.append(lineOf("second", 10_500), 10_500);
    expect(await readdir(temp.path)).toHaveLength(1);
    await next.append(lineOf("third", 11_000), 11_000);
    expect(await readdir(temp.path)).toHaveLength(2);
    await next.close();
  });

  it("reads backward what it reads forward, across blocks", async () => {
    await using temp = await createTempFolder();
    const text = fc.string({ maxLength: 40, unit: "grapheme" }).map((each) => each.replaceAll(/[\n\r]/g, " "));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 30 }), fc.integer({ min: 1, max: 4_000 }), async (lines, repeat) => {
        const file = new LogFile(`${temp.path}/${crypto.randomUUID()}.log`);
        const long = lines.map((each, index) => (index % 7 === 3 ? each.repeat(repeat % 200) : each));
        await file.append(long.map((each) => lineOf(each)).join(""), 5);
        for (const part of await file.parts()) {
          expect(await texts(readLinesForward(file, part))).toEqual(long);
          expect((await texts(readLinesBackward(file, part))).toReversed()).toEqual(long);
        }
        await file.remove();
      }),
      { numRuns: 30 },
    );
  });
});

describe("parseLogLine()", () => {
  it("gives back what was formatted, and undefined for what was not", () => {
    const line = { timestampMs: 1_700_000_000_123, instance: "abc", stream: "system" as const, text: "a b  c " };
    expect(parseLogLine(formatLogLine(line).slice(0, -1))).toEqual(line);
    for (const text of [
      "",
      "a",
      "a b",
      "a b c d",
      "2026-01-01T00:00:00.000Z i other text",
      "2026-01-01T00:00:00.000Z i stdout",
    ]) {
      expect(parseLogLine(text)).toBeUndefined();
    }
  });
});

describe("logFileName()", () => {
  it("is a file name of its own for each version", () => {
    const name = (version: string): string => logFileName({ namespace: "micro", name: "greeter", version });
    expect(name("latest")).toBe("greeter.log");
    expect(name("feature/x")).toBe("greeter@feature%2Fx.log");
    expect(name("/".repeat(128)).length).toBeLessThan(100);
  });
});
