import { describe, expect, it } from "bun:test";
import { systemClock } from "#base/clock.ts";
import { MemoryRegistry } from "#core/registry/memory-registry.ts";
import { InstanceNodes } from "./instance-nodes.ts";

function entry(instance: string, version = "latest") {
  const nodes = [{ id: `node-${instance}`, address: "127.0.0.1:1", metadata: { instance } }];
  return { name: "greeter", version, metadata: {}, endpoints: [], nodes };
}

describe("InstanceNodes", () => {
  it("knows an instance from its registration to its removal", async () => {
    const registry = new MemoryRegistry({ clock: systemClock });
    await registry.register(entry("early"), { domain: "foo" });
    const nodes = new InstanceNodes(registry);
    const late = nodes.wait("late", new AbortController().signal);
    expect((await nodes.wait("early", new AbortController().signal))?.id).toBe("node-early");
    await registry.register(entry("late", "2"), { domain: "foo" });
    expect((await late)?.id).toBe("node-late");
    registry.removeInstance("early");
    expect(!nodes.has("early")).toBe(true);
    expect(nodes.has("late")).toBe(true);
    nodes.stop();
    await registry.stop();
  });

  it("knows each service that a process registers, and who else serves it", async () => {
    const registry = new MemoryRegistry({ clock: systemClock });
    const nodes = new InstanceNodes(registry);
    const second = {
      ...entry("one"),
      name: "other",
      nodes: [{ id: "n2", address: "a", metadata: { instance: "one" } }],
    };
    for (const each of [entry("one"), entry("two"), second]) await registry.register(each, { domain: "foo" });
    expect(nodes.of("one").length === 2).toBe(true);
    expect(nodes.of("one").map(({ name }) => name)).toEqual(["greeter", "other"]);
    expect(nodes.servers({ domain: "foo", name: "greeter", version: "latest" })).toEqual(["one", "two"]);
    expect(nodes.servers({ domain: "bar", name: "greeter", version: "latest" })).toEqual([]);
    await registry.deregister(entry("one"), { domain: "foo" });
    expect(nodes.of("one").length === 1).toBe(true);
    expect(nodes.has("one")).toBe(true);
    registry.removeInstance("one");
    expect(!nodes.has("one")).toBe(true);
    nodes.stop();
    await registry.stop();
  });

  it("gives up a wait when its signal aborts", async () => {
    const registry = new MemoryRegistry({ clock: systemClock });
    const nodes = new InstanceNodes(registry);
    const abort = new AbortController();
    const waiting = nodes.wait("never", abort.signal);
    abort.abort();
    expect(await waiting).toBeUndefined();
    nodes.stop();
    await registry.stop();
  });
});
