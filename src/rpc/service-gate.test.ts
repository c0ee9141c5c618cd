import { describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import { ServiceGates } from "./service-gate.ts";

function createGates(): { gates: ServiceGates; clock: { nowMs: number } } {
  const clock = { nowMs: 1_000 };
  const time = { now: () => clock.nowMs };
  const gates = new ServiceGates({
    callCountMax: 100,
    breaker: { failureCount: 3, failureMs: 500, probe: { initialMs: 200, maxMs: 400, jitter: 0 }, clock: time },
  });
  return { gates, clock };
}

function refusal(run: () => void): string {
  try {
    run();
  } catch (reason) {
    const error = MicroError.from(reason);
    return `${error.httpStatus} ${error.detail}`;
  }
  return "";
}

describe("ServiceGate.enter()", () => {
  it("refuses what is more than the calls that may be under way", () => {
    const gate = createGates().gates.of("users", "acme");
    for (let call = 0; call < 100; call += 1) gate.enter();
    expect(refusal(() => gate.enter())).toBe(
      "503 service users: 100 calls are under way and none ends; try again later",
    );
    gate.leave();
    expect(refusal(() => gate.enter())).toBe("");
  });

  it("refuses calls when none got through for a while, and lets one through from time to time", () => {
    const { gates, clock } = createGates();
    const gate = gates.of("users", "acme");
    for (let call = 0; call < 3; call += 1) gate.breaker.failed();
    expect(gate.breaker.isOpen).toBe(false);
    clock.nowMs += 500;
    gate.breaker.failed();
    expect(refusal(() => gate.enter())).toBe(
      "503 service users: it could not be reached for a while; the next attempt is in 200 ms",
    );
    clock.nowMs += 200;
    expect(refusal(() => gate.enter())).toBe("");
    expect(refusal(() => gate.enter())).toContain("the next attempt is in 400 ms");
    gate.breaker.succeeded();
    expect(refusal(() => gate.enter())).toBe("");
  });

  it("does not mind failures between answers", () => {
    const { gates, clock } = createGates();
    const gate = gates.of("users", "acme");
    for (let call = 0; call < 100; call += 1) {
      gate.breaker.failed();
      gate.breaker.failed();
      gate.breaker.succeeded();
      clock.nowMs += 1_000;
    }
    expect(gate.breaker.isOpen).toBe(false);
  });
});

describe("ServiceGates.of()", () => {
  it("keeps services and namespaces apart, and one gate for each", () => {
    const { gates } = createGates();
    expect(gates.of("users", "acme")).toBe(gates.of("users", "acme"));
    expect(gates.of("users", "acme")).not.toBe(gates.of("users", "micro"));
  });

  it("forgets what has nothing to remember", () => {
    const { gates } = createGates();
    const used = gates.of("used", "acme");
    used.enter();
    const quiet = gates.of("quiet", "acme");
    for (let count = 0; count < 2_000; count += 1) gates.of(`s${count}`, "acme");
    expect(gates.of("used", "acme")).toBe(used);
    expect(gates.of("quiet", "acme")).not.toBe(quiet);
  });
});
