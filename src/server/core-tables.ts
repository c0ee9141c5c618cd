import { systemClock } from "#base/clock.ts";
import { createAuthTable } from "#core/auth/auth-table.ts";
import type { Auth } from "#core/auth/auth.ts";
import { createRegistryTable } from "#core/registry/registry-table.ts";
import type { LocalRuntime } from "#core/runtime/local-runtime.ts";
import { runtimeMethods } from "#core/runtime/runtime-methods.ts";
import { defaultNamespace } from "#interface/auth.ts";
import type { Registry } from "#interface/registry.ts";
import type { ServiceTable } from "#rpc/method.ts";
import { createServiceTable } from "#rpc/service-table.ts";

export interface CoreServices {
  readonly auth: Auth;
  readonly registry: Registry;
  readonly runtime: LocalRuntime;
}

/** The core services as tables of endpoints. */
export function createCoreTables({ auth, registry, runtime }: CoreServices, version: string): ServiceTable[] {
  const methods = runtimeMethods({ runtime, sources: runtime.sources, clock: systemClock });
  return [
    createAuthTable(auth, version),
    createRegistryTable(registry, version),
    createServiceTable({ name: "runtime", version, methods }),
  ];
}

/** Core services are in the registry like any other, so that everybody finds and describes them the same way. */
export async function registerCoreTables(
  registry: Registry,
  tables: readonly ServiceTable[],
  address: string,
): Promise<void> {
  for (const { name, version, endpoints } of tables) {
    const node = { id: `${name}-core`, address, metadata: { protocol: "grpc", server: "micro-ts", http: address } };
    const entry = { name, version, metadata: {}, endpoints, nodes: [node] };
    await registry.register(entry, { domain: defaultNamespace, ttlMs: 0 });
  }
}
