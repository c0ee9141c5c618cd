import { describe, expect, it } from "bun:test";
import { systemClock } from "#base/clock.ts";
import { silentLogger } from "#base/logger.ts";
import { MemoryRegistry } from "#core/registry/memory-registry.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { InstanceNodes } from "./instance-nodes.ts";

function entry(instance: string, version = "latest") {
  const nodes = [{ id: `node-${instance}`, address: "127.0.0.1:1", metadata: { instance } }];
  return { name: "greeter", version, metadata: {}, endpoints: [], nodes };
}

describe("InstanceNodes", () => {
  it("knows an instance from its registration to its removal", async () => {
    const registry = new MemoryRegistry({ clock: systemClock });
    await registry.register(entry("early"), { domain: "foo" });
    const nodes = new InstanceNodes({ registry, logger: silentLogger });
    nodes.start();
    const late = nodes.wait("late", new AbortController().signal);
    expect((await nodes.wait("early", new AbortController().signal))?.id).toBe("node-early");
    await registry.register(entry("late", "2"), { domain: "foo" });
    expect((await late)?.id).toBe("node-late");
    registry.removeInstance("early");
    await waitUntil("it is gone", () => !nodes.has("early"));
    expect(nodes.has("late")).toBe(true);
    await nodes.stop();
    await registry.stop();
  });

  it("gives up a wait when its signal aborts", async () => {
    const registry = new MemoryRegistry({ clock: systemClock });
    const nodes = new InstanceNodes({ registry, logger: silentLogger });
    nodes.start();
    const abort = new AbortController();
    const waiting = nodes.wait("never", abort.signal);
    abort.abort();
    expect(await waiting).toBeUndefined();
    await nodes.stop();
    await registry.stop();
  });
});
