import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { writeFile } from "node:fs/promises";
import { silentLogger } from "#base/logger.ts";
import type { LogLine } from "#interface/runtime.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { LogFile } from "./log-file.ts";
import { formatLogLine, parseLogLine } from "./log-line.ts";
import { readLinesBackward, readLinesForward } from "./read-log-lines.ts";
import { logFileName } from "./service-logs.ts";
import { ServiceLog } from "./service-log.ts";

function createLog(folder: string): { log: ServiceLog; readonly setTime: (ms: number) => void } {
  let nowMs = 1_000;
  const log = new ServiceLog({ path: `${folder}/a/greeter.log`, clock: { now: () => nowMs }, logger: silentLogger });
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

  it("tells a reader that is too slow how much was left out", async () => {
    await using temp = await createTempFolder();
    const { log } = createLog(temp.path);
    const reader = log.read({ follow: true, count: 0 });
    const first = reader.next();
    await log.write("i1", "stdout", ["first"]);
    expect((await first).value?.text).toBe("first");
    await log.write(
      "i1",
      "stdout",
      Array.from({ length: 10_000 }, (_, index) => `burst ${index}`),
    );
    const seen: string[] = [];
    while (seen.length < 8_192) seen.push((await reader.next()).value?.text ?? "");
    await log.write("i1", "stdout", ["after"]);
    expect((await reader.next()).value).toMatchObject({ stream: "system", text: expect.stringMatching(/^1808 lines/) });
    expect((await reader.next()).value?.text).toBe("after");
    await reader.return(undefined);
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

describe("LogFile", () => {
  it("starts a new file when it is full and keeps one full one", async () => {
    await using temp = await createTempFolder();
    const file = new LogFile(`${temp.path}/x.log`, 100);
    for (let index = 0; index < 10; index += 1) {
      await file.append(formatLogLine({ timestampMs: index, instance: "i", stream: "stdout", text: `line ${index}` }));
    }
    const parts = await file.parts();
    expect(parts.length).toBe(2);
    expect(parts.every(({ sizeBytes }) => sizeBytes <= 100)).toBe(true);
    const lines = [];
    for (const part of parts) lines.push(...(await texts(readLinesForward(part))));
    expect(lines).toEqual(["line 6", "line 7", "line 8", "line 9"].slice(-lines.length));
    await Promise.all(parts.map(({ handle }) => handle.close()));
    await file.remove();
    expect(await file.parts()).toEqual([]);
  });

  it("reads backward what it reads forward, across blocks", async () => {
    await using temp = await createTempFolder();
    const text = fc.string({ maxLength: 40, unit: "grapheme" }).map((each) => each.replaceAll(/[\n\r]/g, " "));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 30 }), fc.integer({ min: 1, max: 4_000 }), async (lines, repeat) => {
        const file = new LogFile(`${temp.path}/${crypto.randomUUID()}.log`);
        const long = lines.map((each, index) => (index % 7 === 3 ? each.repeat(repeat % 200) : each));
        await file.append(
          long.map((each) => formatLogLine({ timestampMs: 5, instance: "i", stream: "stdout", text: each })).join(""),
        );
        const parts = await file.parts();
        for (const part of parts) {
          expect(await texts(readLinesForward(part))).toEqual(long);
          expect((await texts(readLinesBackward(part))).toReversed()).toEqual(long);
        }
        await Promise.all(parts.map(({ handle }) => handle.close()));
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
