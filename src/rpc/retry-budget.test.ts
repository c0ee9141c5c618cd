import { describe, expect, it } from "bun:test";
import { RetryBudget } from "./retry-budget.ts";

function createBudget(): { budget: RetryBudget; clock: { nowMs: number } } {
  const clock = { nowMs: 0 };
  return { budget: new RetryBudget({ share: 0.25, reserve: 10, clock: { now: () => clock.nowMs } }), clock };
}

function spendAll(budget: RetryBudget): number {
  let count = 0;
  while (budget.spend()) count += 1;
  return count;
}

describe("RetryBudget", () => {
  it("allows the reserve, then a share of the calls", () => {
    const { budget } = createBudget();
    expect(spendAll(budget)).toBe(10);
    for (let call = 0; call < 40; call += 1) budget.noteCall();
    expect(spendAll(budget)).toBe(10);
  });

  it("gets its reserve back with time, and no more than that", () => {
    const { budget, clock } = createBudget();
    spendAll(budget);
    clock.nowMs += 5_000;
    expect(spendAll(budget)).toBe(5);
    clock.nowMs += 60_000;
    expect(budget.isFull).toBe(true);
    expect(spendAll(budget)).toBe(10);
  });

  it("saves up no more than twice the reserve", () => {
    const { budget } = createBudget();
    for (let call = 0; call < 10_000; call += 1) budget.noteCall();
    expect(spendAll(budget)).toBe(20);
  });
});
