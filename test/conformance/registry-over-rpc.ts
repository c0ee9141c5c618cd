import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { Registry as RegistryService, type Result, type Service } from "#gen/registry/registry_pb.ts";
import type {
  DomainEntry,
  RegisterOptions,
  Registry,
  RegistryEvent,
  ServiceEntry,
  WatchOptions,
} from "#interface/registry.ts";
import { protoMethod } from "#rpc/proto-service.ts";
import type { TypedClient } from "#rpc/typed-client.ts";

const methods = {
  get: protoMethod(RegistryService.method.getService),
  list: protoMethod(RegistryService.method.listServices),
  register: protoMethod(RegistryService.method.register),
  deregister: protoMethod(RegistryService.method.deregister),
  watch: protoMethod(RegistryService.method.watch),
};

/** The registry as a client sees it that asks for snapshots, with nothing between it and the wire. */
export class RegistryOverRpc implements Registry {
  readonly #client: TypedClient;

  constructor(client: TypedClient) {
    this.#client = client;
  }

  async register(service: ServiceEntry, { domain, ttlMs = limits.registryTtlMs }: RegisterOptions): Promise<void> {
    const options = { domain, ttl: BigInt(Math.ceil(ttlMs / 1_000)) };
    await this.#client.unary(methods.register, "registry", { ...toInit(service), options });
  }

  async deregister(service: ServiceEntry, options: { readonly domain: string }): Promise<void> {
    await this.#client.unary(methods.deregister, "registry", { ...toInit(service), options });
  }

  async getService(name: string, options: { readonly domain: string }): Promise<readonly ServiceEntry[]> {
    try {
      const { services } = await this.#client.unary(methods.get, "registry", { service: name, options });
      return services.map(toEntry);
    } catch (reason) {
      if (MicroError.is(reason) && reason.code === "not_found") return [];
      throw reason;
    }
  }

  async listServices(options: { readonly domain: string }): Promise<readonly ServiceEntry[]> {
    return (await this.#client.unary(methods.list, "registry", { options })).services.map(toEntry);
  }

  async *watch({ domain = "*", service = "", signal }: WatchOptions): AsyncGenerator<RegistryEvent> {
    const request = { service, options: { domain }, snapshots: true };
    try {
      for await (const result of this.#client.serverStream(methods.watch, "registry", request, signal && { signal })) {
        yield toEvent(result);
      }
    } catch (reason) {
      if (signal?.aborted !== true) throw reason;
    }
  }
}

/** Init shapes of protobuf are mutable, entries are not. */
function toInit(service: ServiceEntry): Pick<Service, "name" | "version" | "metadata"> & { endpoints: []; nodes: [] } {
  return structuredClone(service) as unknown as ReturnType<typeof toInit>;
}

function toEvent({ action, service, services, timestamp }: Result): RegistryEvent {
  const timestampMs = Number(timestamp);
  if (action === "snapshot") return { action, services: services.map(toDomainEntry), timestampMs };
  if ((action !== "create" && action !== "update" && action !== "delete") || service === undefined) {
    throw new Error(`"${action}" is no event`);
  }
  return { action, ...toDomainEntry(service), timestampMs };
}

function toDomainEntry(service: Service): DomainEntry {
  return { domain: service.options?.domain ?? "", service: toEntry(service) };
}

function toEntry({ name, version, metadata, endpoints, nodes }: Service): ServiceEntry {
  const none = { name: "", type: "", values: [] };
  return {
    name,
    version,
    metadata,
    endpoints: endpoints.map((each) => ({
      name: each.name,
      request: each.request ?? none,
      response: each.response ?? none,
      metadata: each.metadata,
    })),
    nodes,
  };
}
