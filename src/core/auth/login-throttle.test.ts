import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import { FailureTable } from "./failure-table.ts";
import { LoginThrottle, type LoginSource } from "./login-throttle.ts";

const jane: LoginSource = { account: "micro/jane", address: "10.0.0.1" };
const janeElsewhere: LoginSource = { account: "micro/jane", address: "10.0.0.2" };
const john: LoginSource = { account: "micro/john", address: "10.0.0.1" };

function createTestThrottle() {
  const clock = { nowMs: 1_000_000, now: () => clock.nowMs };
  const throttle = new LoginThrottle(clock);
  const failTimes = (count: number, source = jane): void => {
    for (let index = 0; index < count; index += 1) throttle.fail(source);
  };
  return { clock, throttle, failTimes };
}

describe("LoginThrottle", () => {
  it("lets some failures pass, then makes the account wait at that address", () => {
    const { throttle, failTimes } = createTestThrottle();
    failTimes(limits.loginFailureCountMax - 1);
    expect(() => throttle.check(jane)).not.toThrow();
    failTimes(1);
    expect(() => throttle.check(jane)).toThrow("too many wrong secrets: try again in 5s");
    expect(() => throttle.check(john)).not.toThrow();
    expect(() => throttle.check(janeElsewhere)).not.toThrow();
  });

  it("waits longer after each further failure, up to the longest", () => {
    const { clock, throttle, failTimes } = createTestThrottle();
    failTimes(limits.loginFailureCountMax);
    clock.nowMs += limits.loginWaitMs;
    expect(() => throttle.check(jane)).not.toThrow();
    failTimes(1);
    expect(() => throttle.check(jane)).toThrow("10s");
    failTimes(30);
    expect(() => throttle.check(jane)).toThrow("5m");
    clock.nowMs += limits.loginWaitMaxMs;
    expect(() => throttle.check(jane)).not.toThrow();
  });

  it("forgets after a success and after a quiet minute", () => {
    const { clock, throttle, failTimes } = createTestThrottle();
    failTimes(limits.loginFailureCountMax - 1);
    throttle.succeed(jane);
    failTimes(limits.loginFailureCountMax - 1);
    clock.nowMs += limits.loginFailureWindowMs + 1;
    failTimes(1);
    expect(() => throttle.check(jane)).not.toThrow();
  });

  it("never lets one address make another one wait, however long it goes on", () => {
    const { clock, throttle } = createTestThrottle();
    const endMs = clock.nowMs + 24 * 3_600_000;
    while (clock.nowMs < endMs) {
      if (isFree(throttle, jane)) throttle.fail(jane);
      expect(isFree(throttle, janeElsewhere)).toBe(true);
      clock.nowMs += 1_000;
    }
  });

  it("makes an account wait everywhere after very many failures from many addresses", () => {
    const { clock, throttle } = createTestThrottle();
    const from = (index: number): LoginSource => ({ ...jane, address: `10.1.0.${index}` });
    for (let index = 1; index < limits.loginFailureTotalMax; index += 1) throttle.fail(from(index));
    expect(() => throttle.check(janeElsewhere)).not.toThrow();
    throttle.succeed(janeElsewhere);
    throttle.fail(from(0));
    expect(() => throttle.check(janeElsewhere)).toThrow("try again in 5s");
    expect(() => throttle.check(john)).not.toThrow();
    clock.nowMs += limits.loginWaitMs;
    expect(() => throttle.check(janeElsewhere)).not.toThrow();
  });
});

describe("FailureTable", () => {
  it("forgets the key that failed longest ago when it is full", () => {
    const table = new FailureTable({ clock: { now: () => 1 }, freeCount: 1 });
    for (let index = 0; index <= limits.loginThrottleCountMax; index += 1) table.add(String(index));
    expect(table.size).toBe(limits.loginThrottleCountMax);
    expect(table.blockedUntilMs("0")).toBe(0);
    expect(table.blockedUntilMs("1")).toBeGreaterThan(0);
  });
});

function isFree(throttle: LoginThrottle, source: LoginSource): boolean {
  try {
    throttle.check(source);
    return true;
  } catch {
    return false;
  }
}
