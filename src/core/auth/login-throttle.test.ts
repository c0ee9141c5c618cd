import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import { LoginThrottle } from "./login-throttle.ts";

function createTestThrottle() {
  const clock = { nowMs: 1_000_000, now: () => clock.nowMs };
  const throttle = new LoginThrottle(clock);
  const failTimes = (count: number): void => {
    for (let index = 0; index < count; index += 1) throttle.fail("micro/jane");
  };
  return { clock, throttle, failTimes };
}

describe("LoginThrottle", () => {
  it("lets some failures pass, then makes the account wait", () => {
    const { throttle, failTimes } = createTestThrottle();
    failTimes(limits.loginFailureCountMax - 1);
    expect(() => throttle.check("micro/jane")).not.toThrow();
    failTimes(1);
    expect(() => throttle.check("micro/jane")).toThrow("too many wrong secrets: try again in 5s");
    expect(() => throttle.check("micro/john")).not.toThrow();
  });

  it("waits longer after each further failure, up to the longest", () => {
    const { clock, throttle, failTimes } = createTestThrottle();
    failTimes(limits.loginFailureCountMax);
    clock.nowMs += limits.loginWaitMs;
    expect(() => throttle.check("micro/jane")).not.toThrow();
    failTimes(1);
    expect(() => throttle.check("micro/jane")).toThrow("10s");
    failTimes(30);
    expect(() => throttle.check("micro/jane")).toThrow("5m");
    clock.nowMs += limits.loginWaitMaxMs;
    expect(() => throttle.check("micro/jane")).not.toThrow();
  });

  it("forgets after a success and after a quiet minute", () => {
    const { clock, throttle, failTimes } = createTestThrottle();
    failTimes(limits.loginFailureCountMax - 1);
    throttle.succeed("micro/jane");
    failTimes(limits.loginFailureCountMax - 1);
    clock.nowMs += limits.loginFailureWindowMs + 1;
    failTimes(1);
    expect(() => throttle.check("micro/jane")).not.toThrow();
  });
});
