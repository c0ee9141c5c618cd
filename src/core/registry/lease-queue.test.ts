import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { LeaseQueue } from "./lease-queue.ts";

interface TestLease {
  id: number;
  expiresAtMs: number;
  isReleased: boolean;
  ticketAtMs: number;
}

describe("LeaseQueue.takeExpired()", () => {
  it("takes exactly what a full scan would, whatever was renewed, shortened or released", () => {
    const step = fc.record({
      lease: fc.nat(7),
      act: fc.constantFrom("set", "release", "tick"),
      ms: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.constant(Infinity)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new LeaseQueue<TestLease>();
        const live = new Map<number, TestLease>();
        let nowMs = 0;
        for (const { lease: id, act, ms } of steps) {
          const lease = live.get(id) ?? { id, expiresAtMs: Infinity, isReleased: false, ticketAtMs: Infinity };
          if (act === "set") {
            lease.expiresAtMs = nowMs + ms;
            live.set(id, lease);
            queue.add(lease);
          } else if (act === "release" && live.delete(id)) {
            lease.isReleased = true;
            queue.noteUseless();
          } else if (act === "tick") {
            nowMs += Number.isFinite(ms) ? ms : 1;
            const due = [...live.values()].filter((each) => each.expiresAtMs <= nowMs);
            const taken = queue.takeExpired(nowMs);
            expect(new Set(taken)).toEqual(new Set(due));
            expect(taken).toHaveLength(due.length);
            for (const each of taken) live.delete(each.id);
          }
          const firstMs = Math.min(...[...live.values()].map((each) => each.expiresAtMs));
          expect(queue.nextAtMs() ?? Infinity).toBeLessThanOrEqual(firstMs);
        }
      }),
    );
  });
});

describe("LeaseQueue.noteUseless()", () => {
  it("sheds the tickets of leases that left", () => {
    const queue = new LeaseQueue<TestLease>();
    for (let id = 0; id < 10_000; id += 1) {
      const lease = { id, expiresAtMs: id, isReleased: false, ticketAtMs: Infinity };
      queue.add(lease);
      lease.isReleased = true;
      queue.noteUseless();
    }
    expect(queue.size).toBeLessThan(3_000);
  });
});
