import { describe, expect, it } from "bun:test";
import { Interruption } from "./interruption.ts";

describe("Interruption.until()", () => {
  it("gives the outcome of the work", async () => {
    const interruption = new Interruption();
    expect(await interruption.until(Promise.resolve(1))).toBe(1);
    await expect(interruption.until(Promise.reject(new Error("no")))).rejects.toThrow("no");
  });

  it("fails at once when it is interrupted, before or while it waits", async () => {
    const interruption = new Interruption();
    const waiting = interruption.until(new Promise(() => undefined));
    interruption.interrupt("first");
    interruption.interrupt("second");
    await expect(waiting).rejects.toBe("first");
    await expect(interruption.until(new Promise(() => undefined))).rejects.toBe("first");
  });
});
