import { describe, expect, it } from "bun:test";
import type { ServiceNode } from "#interface/registry.ts";
import { NodeSelector } from "./node-selector.ts";

function node(address: string): ServiceNode {
  return { id: address, address, metadata: {} };
}

const [a, b, c] = [node("a:1"), node("b:1"), node("c:1")];

/** A selector whose second candidate is always the one after the next in turn, and whose time stands still. */
function createSelector(): { selector: NodeSelector; clock: { nowMs: number } } {
  const clock = { nowMs: 1_000 };
  const selector = new NodeSelector({
    random: () => 0,
    clock: { now: () => clock.nowMs },
    ejection: { jitter: 0, initialMs: 200, maxMs: 400 },
  });
  return { selector, clock };
}

describe("NodeSelector.pick()", () => {
  it("takes nodes in turn when none has more calls than another", () => {
    const { selector } = createSelector();
    const picked = Array.from({ length: 6 }, () => selector.pick([a, b, c])?.address);
    expect(picked).toEqual(["a:1", "b:1", "c:1", "a:1", "b:1", "c:1"]);
  });

  it("takes the node with fewer calls under way", () => {
    const { selector } = createSelector();
    selector.begin(a);
    expect(selector.pick([a, b])).toBe(b);
    selector.end(a);
    selector.begin(b);
    expect(selector.pick([a, b])).toBe(a);
  });

  it("spreads calls of equal length evenly", () => {
    const selector = new NodeSelector();
    const counts = new Map<string, number>();
    for (let call = 0; call < 3_000; call += 1) {
      const picked = selector.pick([a, b, c]) ?? a;
      counts.set(picked.address, (counts.get(picked.address) ?? 0) + 1);
    }
    for (const count of counts.values()) expect(count).toBe(1_000);
  });

  it("avoids a node that could not be reached until its time is over", () => {
    const { selector, clock } = createSelector();
    selector.failed(a);
    expect([selector.pick([a, b]), selector.pick([a, b]), selector.pick([a, b])]).toEqual([b, b, b]);
    clock.nowMs += 201;
    expect([selector.pick([a, b]), selector.pick([a, b])]).toContain(a);
  });

  it("avoids a node longer for each failure in a row, and forgets them when it answers", () => {
    const { selector, clock } = createSelector();
    selector.failed(a);
    clock.nowMs += 200;
    selector.failed(a);
    clock.nowMs += 399;
    expect([selector.pick([a, b]), selector.pick([a, b])]).toEqual([b, b]);
    selector.reached(a);
    expect([selector.pick([a, b]), selector.pick([a, b])]).toContain(a);
  });

  it("takes a node that is avoided when there is no other", () => {
    const { selector } = createSelector();
    selector.failed(a);
    expect(selector.pick([a])).toBe(a);
    selector.failed(b);
    expect(selector.pick([a, b])).toBeDefined();
  });

  it("avoids a node that left five calls in a row unanswered", () => {
    const { selector } = createSelector();
    for (let call = 0; call < 4; call += 1) selector.faulted(a);
    selector.reached(a);
    for (let call = 0; call < 4; call += 1) selector.faulted(a);
    expect([selector.pick([a, b]), selector.pick([a, b])]).toContain(a);
    selector.faulted(a);
    expect([selector.pick([a, b]), selector.pick([a, b])]).toEqual([b, b]);
  });

  it("gives one call to a node whose time is over, and no other until it has answered", () => {
    const { selector, clock } = createSelector();
    for (let call = 0; call < 5; call += 1) selector.faulted(a);
    clock.nowMs += 201;
    const picked = Array.from({ length: 6 }, () => selector.pick([a, b])?.address);
    expect(picked.filter((address) => address === "a:1")).toHaveLength(1);
    selector.faulted(a);
    clock.nowMs += 399;
    expect([selector.pick([a, b]), selector.pick([a, b])]).toEqual([b, b]);
    selector.reached(a);
    expect([selector.pick([a, b]), selector.pick([a, b])]).toContain(a);
  });

  it("avoids no more than half of the nodes that can be reached", () => {
    const { selector } = createSelector();
    for (const each of [a, b]) for (let call = 0; call < 5; call += 1) selector.faulted(each);
    expect(new Set(Array.from({ length: 6 }, () => selector.pick([a, b, c])))).toEqual(new Set([a, b, c]));
    selector.failed(a);
    expect(new Set(Array.from({ length: 6 }, () => selector.pick([a, b, c])))).toEqual(new Set([b, c]));
  });

  it("leaves out what was tried", () => {
    const { selector } = createSelector();
    expect(selector.pick([a, b], new Set(["a:1"]))).toBe(b);
    expect(selector.pick([a], new Set(["a:1"]))).toBeUndefined();
    expect(selector.pick([a, b], new Set(["a:1", "b:1"]))).toBeUndefined();
    expect(selector.pick([])).toBeUndefined();
  });

  it("gives nodes with a share that many of the calls, as long as both sides work", () => {
    const clock = { nowMs: 1_000 };
    const selector = new NodeSelector({ clock: { now: () => clock.nowMs }, ejection: { jitter: 0, initialMs: 200 } });
    const canary = { ...a, metadata: { share: "20" } };
    const nodes = [canary, b, c];
    const shareOf = (): number => {
      const picked = Array.from({ length: 5_000 }, () => selector.pick(nodes));
      return picked.filter((node) => node === canary).length / picked.length;
    };
    expect(Math.abs(shareOf() - 0.2)).toBeLessThan(0.05);
    selector.failed(canary);
    expect(shareOf()).toBe(0);
    expect(selector.pick(nodes, new Set(["b:1", "c:1"]))).toBe(canary);
    selector.reached(canary);
    selector.failed(b);
    selector.failed(c);
    expect(shareOf()).toBe(1);
  });
});
