import { describe, expect, it } from "bun:test";
import { systemClock } from "#base/clock.ts";
import { limits } from "#base/limits.ts";
import type { ServiceEntry, ServiceNode } from "#interface/registry.ts";
import { MemoryRegistry } from "./memory-registry.ts";

describe("MemoryRegistry.expire()", () => {
  it("removes a node at the end of its lifetime, not before, and counts from its last heartbeat", async () => {
    const { registry, clock } = create();
    await registry.register(entry("a", [node("n1")]), { domain: "micro" });
    clock.nowMs += limits.registryTtlMs - 1;
    registry.expire();
    expect(registry.nodes("a", "micro")).toHaveLength(1);
    await registry.register(entry("a", [node("n1")]), { domain: "micro" });
    clock.nowMs += limits.registryTtlMs - 1;
    registry.expire();
    expect(registry.nodes("a", "micro")).toHaveLength(1);
    clock.nowMs += 1;
    registry.expire();
    expect(registry.nodes("a", "micro")).toEqual([]);
    await registry.stop();
  });

  it("keeps nodes without a lifetime", async () => {
    const { registry, clock } = create();
    await registry.register(entry("a", [node("n1")]), { domain: "micro", ttlMs: 0 });
    clock.nowMs += 365 * 24 * 3_600_000;
    registry.expire();
    expect(registry.nodes("a", "micro")).toHaveLength(1);
    await registry.stop();
  });

  it("announces a version once, however many of its nodes end", async () => {
    const { registry, clock } = create();
    await registry.register(entry("a", [node("n1"), node("n2"), node("n3")]), { domain: "micro" });
    await registry.register(entry("a", [node("n4")]), { domain: "micro", ttlMs: 0 });
    const events = registry.watch({})[Symbol.asyncIterator]();
    await events.next();
    clock.nowMs += limits.registryTtlMs;
    registry.expire();
    expect((await events.next()).value).toMatchObject({ action: "update", service: { nodes: [{ id: "n4" }] } });
    await registry.stop();
    expect((await events.next()).done).toBe(true);
  });
});

describe("MemoryRegistry.removeInstance()", () => {
  it("removes the nodes of that instance in every domain and no other", async () => {
    const { registry } = create();
    await registry.register(entry("a", [node("n1", "i-1"), node("n2", "i-2")]), { domain: "micro" });
    await registry.register(entry("b", [node("n3", "i-1")]), { domain: "other" });
    expect(registry.removeInstance("i-1")).toBe(2);
    expect(registry.nodes("a", "micro").map((each) => each.id)).toEqual(["n2"]);
    expect(registry.nodes("b", "other")).toEqual([]);
    expect(registry.removeInstance("i-1")).toBe(0);
    await registry.stop();
  });

  it("follows a node that changed its instance", async () => {
    const { registry } = create();
    await registry.register(entry("a", [node("n1", "i-1")]), { domain: "micro" });
    await registry.register(entry("a", [node("n1", "i-2")]), { domain: "micro" });
    expect(registry.removeInstance("i-1")).toBe(0);
    expect(registry.removeInstance("i-2")).toBe(1);
    await registry.stop();
  });
});

describe("MemoryRegistry.withhold()", () => {
  const ours = (id: string): ServiceNode => node(id, "i1");

  it("keeps what an instance registers from callers until it is admitted", async () => {
    const { registry, clock } = create();
    const heard: string[] = [];
    const leave = registry.onRegistered((instance) => void heard.push(instance));
    registry.withhold("i1");
    await registry.register(entry("a", [ours("n1"), node("n2")]), { domain: "micro" });
    expect(registry.nodes("a", "micro").map(({ id }) => id)).toEqual(["n2"]);
    expect(registry.registrations("i1").map(({ name }) => name)).toEqual(["a"]);
    expect(heard).toEqual(["i1"]);
    registry.admit("i1");
    expect(registry.nodes("a", "micro")).toHaveLength(2);
    registry.withhold("i1");
    // A heartbeat does not bring it back, and without one it is forgotten.
    await registry.register(entry("a", [ours("n1")]), { domain: "micro" });
    expect(registry.nodes("a", "micro")).toHaveLength(1);
    clock.nowMs += limits.registryTtlMs + 1;
    expect(registry.registrations("i1")).toEqual([]);
    registry.admit("i1");
    registry.expire();
    expect(registry.nodes("a", "micro")).toEqual([]);
    leave();
    await registry.stop();
  });

  it("forgets a node that left, and an instance that died", async () => {
    const { registry } = create();
    registry.withhold("i1");
    await registry.register(entry("a", [ours("n1")]), { domain: "micro" });
    await registry.register(entry("b", [ours("n1")]), { domain: "micro" });
    await registry.deregister(entry("a", [ours("n1")]), { domain: "micro" });
    expect(registry.registrations("i1").map(({ name }) => name)).toEqual(["b"]);
    expect(registry.removeInstance("i1")).toBe(1);
    expect(registry.registrations("i1")).toEqual([]);
    registry.admit("i1");
    expect(registry.nodes("b", "micro")).toEqual([]);
    await registry.stop();
  });

  it("shows the share that the runtime gives, whatever a service says of itself", async () => {
    const { registry } = create();
    const vain = { ...ours("n1"), metadata: { instance: "i1", share: "100" } };
    await registry.register(entry("a", [vain]), { domain: "micro" });
    expect(registry.nodes("a", "micro")[0]?.metadata).toEqual({ instance: "i1" });
    registry.admit("i1", 10);
    expect(registry.nodes("a", "micro")[0]?.metadata).toEqual({ instance: "i1", share: "10" });
    await registry.register(entry("a", [vain]), { domain: "micro" });
    expect(registry.nodes("a", "micro")[0]?.metadata).toEqual({ instance: "i1", share: "10" });
    registry.admit("i1");
    expect(registry.nodes("a", "micro")[0]?.metadata).toEqual({ instance: "i1" });
    await registry.stop();
  });
});

describe("MemoryRegistry as ServiceDirectory", () => {
  it("answers with the same array until something changes", async () => {
    const { registry } = create();
    await registry.register(entry("a", [node("n1")]), { domain: "micro" });
    const before = registry.nodes("a", "micro");
    await registry.register(entry("a", [node("n1")]), { domain: "micro" });
    expect(registry.nodes("a", "micro")).toBe(before);
    await registry.register(entry("a", [node("n2")]), { domain: "micro" });
    expect(registry.nodes("a", "micro").map((each) => each.id)).toEqual(["n1", "n2"]);
    expect(before.map((each) => each.id)).toEqual(["n1"]);
    await registry.stop();
  });

  it("finds endpoints of every version, in the namespace only", async () => {
    const { registry } = create();
    await registry.register(entry("a", [node("n1")], "1", "Say.Hello"), { domain: "micro" });
    await registry.register(entry("a", [node("n2")], "2", "Say.Bye"), { domain: "micro" });
    expect(registry.endpoint("a", "micro", "Say.Hello")?.name).toBe("Say.Hello");
    expect(registry.endpoint("a", "micro", "Say.Bye")?.name).toBe("Say.Bye");
    expect(registry.endpoint("a", "other", "Say.Bye")).toBeUndefined();
    expect(registry.endpoint("a", "micro", "say.bye")).toBeUndefined();
    await registry.stop();
  });
});

describe("MemoryRegistry.watch()", () => {
  it("forgets watchers that left, also those that left before they read", async () => {
    const { registry } = create();
    const leave = new AbortController();
    const iterators = Array.from({ length: 10 }, () =>
      registry.watch({ signal: leave.signal })[Symbol.asyncIterator](),
    );
    expect(registry.watcherCount).toBe(10);
    await iterators[0]?.return?.();
    expect(registry.watcherCount).toBe(9);
    leave.abort();
    expect(registry.watcherCount).toBe(0);
    registry.watch({ signal: leave.signal })[Symbol.asyncIterator]();
    expect(registry.watcherCount).toBe(0);
    await registry.stop();
  });
});

describe("MemoryRegistry.register()", () => {
  it("refuses more nodes than it may hold, and still takes the heartbeats of those that it knows", async () => {
    const { registry } = create();
    const nodes = Array.from({ length: limits.registryNodeCountMax }, (_, index) => node(`n${index}`));
    await registry.register(entry("a", nodes), { domain: "micro" });
    const refusal = await registry
      .register(entry("b", [node("x")]), { domain: "micro" })
      .catch((reason: unknown) => reason);
    expect(refusal).toMatchObject({ code: "too_many_requests" });
    expect(await registry.getService("b", { domain: "micro" })).toEqual([]);
    await registry.register(entry("a", nodes.slice(0, 5)), { domain: "micro" });
    await registry.stop();
  });
});

function create(): { registry: MemoryRegistry; clock: { nowMs: number } } {
  const clock = { nowMs: systemClock.now(), now: () => clock.nowMs };
  return { registry: new MemoryRegistry({ clock }), clock };
}

function node(id: string, instance?: string): ServiceNode {
  return { id, address: "127.0.0.1:1", metadata: instance === undefined ? {} : { instance } };
}

function entry(name: string, nodes: readonly ServiceNode[], version = "1", endpoint = "Say.Hello"): ServiceEntry {
  const value = { name: "M", type: "M", values: [] };
  return {
    name,
    version,
    metadata: {},
    nodes,
    endpoints: [{ name: endpoint, request: value, response: value, metadata: {} }],
  };
}
