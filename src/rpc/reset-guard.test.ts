import { describe, expect, it } from "bun:test";
import { ResetGuard } from "./reset-guard.ts";

describe("ResetGuard.note()", () => {
  it("is false for what is more than the limit, and forgives a tenth of it a second", () => {
    const clock = { nowMs: 0 };
    const guard = new ResetGuard(100, { now: () => clock.nowMs });
    const noted = (count: number): number => Array.from({ length: count }, () => guard.note()).filter(Boolean).length;
    expect(noted(150)).toBe(100);
    clock.nowMs += 10_000;
    expect(noted(60)).toBe(50);
  });
});
