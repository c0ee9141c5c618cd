import { systemClock } from "#base/clock.ts";
import { describeRegistry } from "#conformance/registry-suite.ts";
import { MemoryRegistry } from "#core/registry/memory-registry.ts";

describeRegistry("MemoryRegistry", () => {
  const registry = new MemoryRegistry({ clock: systemClock });
  return Promise.resolve({ registry, shortTtlMs: 20, [Symbol.asyncDispose]: () => registry.stop() });
});
