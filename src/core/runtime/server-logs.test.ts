import { describe, expect, it } from "bun:test";
import { readdir } from "node:fs/promises";
import { systemClock } from "#base/clock.ts";
import { createLogger, silentLogger } from "#base/logger.ts";
import { limits, MiB } from "#base/limits.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { ServerLogs } from "./server-logs.ts";

function createLogs(folder: string): ServerLogs {
  return new ServerLogs({ folder, version: "1.0.0", clock: systemClock, logger: silentLogger });
}

async function read(logs: ServerLogs, part: string): Promise<string[]> {
  const found = logs.find(part);
  return found === undefined ? [] : (await Array.fromAsync(found.read({}))).map(({ text }) => text);
}

describe("ServerLogs", () => {
  it("keeps lines by the part that they are from, and all of them as those of the server", async () => {
    await using temp = await createTempFolder();
    const logs = createLogs(temp.path);
    const logger = createLogger({ write: (line, fields) => logs.write(line, fields), now: () => 0 });
    logger.info("started");
    logger.with({ part: "gateway" }).warn("slow", { path: "/greeter/Call" });
    logger.with({ part: "gateway" }).error("request failed", { path: "/events/Stream/Publish" });
    logger.with({ part: "proxy" }).error("call failed", { path: "/store.Store/Read" });
    await logs.stop();
    const time = "1970-01-01T00:00:00.000Z";
    const started = `${time} info  started`;
    const slow = `${time} warn  slow part=gateway path=/greeter/Call`;
    const publish = `${time} error request failed part=gateway path=/events/Stream/Publish`;
    const readStore = `${time} error call failed part=proxy path=/store.Store/Read`;
    expect(await read(logs, "gateway")).toEqual([slow]);
    expect(await read(logs, "events")).toEqual([publish]);
    expect(await read(logs, "store")).toEqual([readStore]);
    expect((await read(logs, "server")).toSorted()).toEqual([publish, readStore, slow, started].toSorted());
    expect(logs.find("helloworld")).toBeUndefined();
  });

  it("drops lines that come faster than the disk takes them, and says how many", async () => {
    await using temp = await createTempFolder();
    const logs = createLogs(temp.path);
    const line = "x".repeat(MiB);
    for (let count = 0; count < 10; count += 1) logs.write(line, {});
    await logs.stop();
    const texts = await read(logs, "server");
    const kept = texts.filter((text) => text === line).length;
    expect(kept).toBe(Math.floor(limits.serverLogWaitingLengthMax / MiB) + 1);
    expect(texts.at(-1)).toStartWith(`${10 - kept} lines of the server are left out here`);
  });

  it("is bounded on the disk", async () => {
    await using temp = await createTempFolder();
    const logs = createLogs(temp.path);
    for (let count = 0; count < 40; count += 1) {
      logs.write("x".repeat(MiB / 2), { part: "gateway" });
      await logs.stop();
    }
    let bytes = 0;
    for (const file of await readdir(temp.path)) bytes += Bun.file(`${temp.path}/${file}`).size;
    expect(bytes).toBeLessThanOrEqual(limits.serverLogBytesMax);
    expect(bytes).toBeGreaterThan(limits.serverLogBytesMax / 2);
  });
});
