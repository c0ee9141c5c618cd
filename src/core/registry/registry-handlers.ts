import type { MessageInitShape } from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import type { Registry as RegistryService, ResultSchema, WatchRequest } from "#gen/registry/registry_pb.ts";
import { requireNamespace, requireNamespaceAdmin } from "#interface/namespace-access.ts";
import type { DomainEntry, Registry, WatchOptions } from "#interface/registry.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { ChangeLog } from "./change-log.ts";
import { fromWire, toDomain, toRegisterOptions, toWire } from "./registry-wire.ts";

/** Means every domain; nobody but an administrator of the installation passes the check of its namespace. */
const everyDomain = "*";

/**
 * `registry.Registry` as callers reach it: who is known in a domain reads it, its administrators (services among them)
 * change it.
 */
export function registryHandlers(registry: Registry): ProtoHandlers<typeof RegistryService> {
  return {
    getService: async (request, call) => {
      const domain = requireRead(call, request.options);
      const services = await read(registry, { domain, service: request.service });
      if (services.length === 0) throw new MicroError("not_found", "service not found", { at: "registry" });
      return { services: services.map(toWire) };
    },
    listServices: async (request, call) => {
      const domain = requireRead(call, request.options);
      return { services: (await read(registry, { domain })).map(toWire) };
    },
    register: async (request, call) => {
      const options = toRegisterOptions(request);
      const account = requireNamespaceAdmin(call.account, options.domain, call.endpoint);
      await registry.register(fromWire(request, account.metadata["instance"]), options);
      return {};
    },
    deregister: async (request, call) => {
      const domain = toDomain(request.options);
      requireNamespaceAdmin(call.account, domain, call.endpoint);
      await registry.deregister(fromWire(request, undefined), { domain });
      return {};
    },
    watch: (request, call) => {
      const domain = requireRead(call, request.options);
      return watch(registry, request, { ...toWatchOptions(domain, request.service), signal: call.signal });
    },
  };
}

function requireRead(call: ServerCall, options: { readonly domain: string } | undefined): string {
  const domain = toDomain(options);
  requireNamespace(call.account, domain, call.endpoint);
  return domain;
}

async function read(
  registry: Registry,
  query: { readonly domain: string; readonly service?: string },
): Promise<readonly DomainEntry[]> {
  const { domain, service } = query;
  if (domain === everyDomain) return readEveryDomain(registry, service);
  const found =
    service === undefined ? await registry.listServices({ domain }) : await registry.getService(service, { domain });
  return found.map((each) => ({ domain, service: each }));
}

/** What a watcher of everything is told first is everything. */
async function readEveryDomain(registry: Registry, service: string | undefined): Promise<readonly DomainEntry[]> {
  for await (const event of registry.watch(toWatchOptions(everyDomain, service ?? ""))) {
    return event.action === "snapshot" ? event.services : [event];
  }
  return [];
}

async function* watch(
  registry: Registry,
  request: WatchRequest,
  options: WatchOptions,
): AsyncGenerator<MessageInitShape<typeof ResultSchema>> {
  const changes = new ChangeLog();
  for await (const event of registry.watch(options)) {
    const timestamp = BigInt(event.timestampMs);
    if (event.action === "snapshot" && request.snapshots) {
      yield { action: "snapshot", timestamp, services: event.services.map(toWire) };
    } else {
      for (const change of changes.next(event)) yield { action: change.action, timestamp, service: toWire(change) };
    }
  }
}

function toWatchOptions(domain: string, service: string): WatchOptions {
  return { ...(domain === everyDomain ? {} : { domain }), ...(service === "" ? {} : { service }) };
}
