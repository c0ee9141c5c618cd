import { describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import { silentLogger } from "#base/logger.ts";
import { PlaceSaver } from "./place-saver.ts";

describe("PlaceSaver", () => {
  it("saves once for all changes of a turn, and once for all during a save", async () => {
    let count = 0;
    const gates: (() => void)[] = [];
    const save = (): Promise<void> => {
      count += 1;
      return new Promise((resolve) => {
        gates.push(resolve);
      });
    };
    const saver = new PlaceSaver({ save, logger: silentLogger });
    for (let index = 0; index < 10; index += 1) saver.mark();
    await Promise.resolve();
    await Promise.resolve();
    expect(count).toBe(1);
    for (let index = 0; index < 10; index += 1) saver.mark();
    gates.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(count).toBe(2);
    gates.shift()?.();
    await saver.idle();
    expect(count).toBe(2);
  });

  it("answers when a save is over that has begun after the question", async () => {
    const saved: number[] = [];
    let value = 0;
    const saver = new PlaceSaver({
      save: async () => {
        const seen = value;
        await new Promise((resolve) => setImmediate(resolve));
        saved.push(seen);
      },
      logger: silentLogger,
    });
    value = 1;
    const first = saver.saved();
    await Promise.resolve();
    await Promise.resolve();
    value = 2;
    await saver.saved();
    await first;
    expect(saved).toEqual([1, 2]);
  });

  it("tells who asked that the disk refused, and saves all the same later", async () => {
    let failures = 2;
    let saved = 0;
    const saver = new PlaceSaver({
      save: async () => {
        await Promise.resolve();
        failures -= 1;
        if (failures >= 0) throw new MicroError("unavailable", "the disk is full");
        saved += 1;
      },
      logger: silentLogger,
    });
    expect(saver.saved()).rejects.toMatchObject({ code: "unavailable", detail: "the disk is full" });
    await saver.idle();
    expect(saved).toBe(1);
  });

  it("gives up on stop() what keeps failing", async () => {
    const save = (): Promise<void> => Promise.reject(new MicroError("unavailable", "the disk is full"));
    const saver = new PlaceSaver({ save, logger: silentLogger });
    saver.mark();
    await saver.stop();
    expect(saver.saved()).rejects.toMatchObject({ code: "unavailable" });
  });
});
