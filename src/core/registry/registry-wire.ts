import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  Service as WireService,
  ServiceSchema,
  Value as WireValue,
  ValueSchema,
} from "#gen/registry/registry_pb.ts";
import { defaultNamespace } from "#interface/auth.ts";
import type { DomainEntry, RegisterOptions, ServiceEntry, ServiceNode, Value } from "#interface/registry.ts";

/** Type trees end here: Micro's own stop at 6, and a tree without an end would be a way to exhaust the stack. */
const valueDepthMax = 16;

/** The domain that a request means. */
export function toDomain(options: { readonly domain: string } | undefined): string {
  return options === undefined || options.domain === "" ? defaultNamespace : options.domain;
}

/**
 * An entry as a service announces it. The instance that its nodes belong to is the one that the caller's account was
 * issued for, whatever the request says: so nobody speaks for the process of somebody else. That of a service started by
 * hand is empty, and its nodes belong to no instance.
 */
export function fromWire(service: WireService, instance: string | undefined): ServiceEntry {
  return {
    name: service.name,
    version: service.version === "" ? "latest" : service.version,
    metadata: withoutKey(service.metadata, "domain"),
    endpoints: service.endpoints.map((endpoint) => ({
      name: endpoint.name,
      request: toValue(endpoint.request, 0),
      response: toValue(endpoint.response, 0),
      metadata: endpoint.metadata,
    })),
    nodes: service.nodes.map((node): ServiceNode => {
      const metadata = withoutKey(node.metadata, "instance");
      return {
        id: node.id,
        address: node.address,
        metadata: instance === undefined || instance === "" ? metadata : { ...metadata, instance },
      };
    }),
  };
}

/** Where and for how long; seconds on the wire. */
export function toRegisterOptions(service: WireService): RegisterOptions {
  const domain = toDomain(service.options);
  return service.options === undefined ? { domain } : { domain, ttlMs: Number(service.options.ttl) * 1_000 };
}

/** An entry as answers show it, with its domain. */
export function toWire({ domain, service }: DomainEntry): MessageInitShape<typeof ServiceSchema> {
  return {
    name: service.name,
    version: service.version,
    metadata: { ...service.metadata, domain },
    endpoints: service.endpoints.map((endpoint) => ({
      name: endpoint.name,
      request: toWireValue(endpoint.request),
      response: toWireValue(endpoint.response),
      metadata: { ...endpoint.metadata },
    })),
    nodes: service.nodes.map((node) => ({ id: node.id, address: node.address, metadata: { ...node.metadata } })),
    options: { domain },
  };
}

function toValue(value: WireValue | undefined, depth: number): Value {
  if (value === undefined) return { name: "", type: "", values: [] };
  const values = depth >= valueDepthMax ? [] : value.values.map((each) => toValue(each, depth + 1));
  return { name: value.name, type: value.type, values };
}

function toWireValue(value: Value): MessageInitShape<typeof ValueSchema> {
  return { name: value.name, type: value.type, values: value.values.map(toWireValue) };
}

function withoutKey(metadata: Readonly<Record<string, string>>, key: string): Record<string, string> {
  const { [key]: _dropped, ...rest } = metadata;
  return rest;
}
