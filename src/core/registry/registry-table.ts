import { Registry as RegistryService } from "#gen/registry/registry_pb.ts";
import type { Registry } from "#interface/registry.ts";
import type { ServiceTable } from "#rpc/method.ts";
import { protoMethods } from "#rpc/proto-service.ts";
import { createServiceTable } from "#rpc/service-table.ts";
import { registryHandlers } from "./registry-handlers.ts";

/** The core service `registry`. */
export function createRegistryTable(registry: Registry, version: string): ServiceTable {
  return createServiceTable({
    name: "registry",
    version,
    methods: protoMethods(RegistryService, registryHandlers(registry)),
  });
}
