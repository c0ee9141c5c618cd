import { MicroError } from "#base/error.ts";
import type { Endpoint } from "#interface/registry.ts";
import type { MethodImplementation, MethodResolver, RpcMethod, ServiceTable } from "./method.ts";
import { TypedMethod } from "./typed-method.ts";

export interface ServiceTableOptions {
  readonly name: string;
  readonly version: string;
  readonly methods: readonly MethodImplementation[];
}

/** Typed handlers as a table that the wire can ask. @throws MicroError `invalid_argument` when an endpoint comes twice. */
export function createServiceTable({ name, version, methods }: ServiceTableOptions): ServiceTable {
  const byEndpoint = new Map<string, RpcMethod>();
  for (const each of methods) {
    const { endpoint } = each.spec;
    if (byEndpoint.has(endpoint)) {
      throw new MicroError("invalid_argument", `endpoint ${endpoint} of service ${name} is declared twice`);
    }
    byEndpoint.set(endpoint, new TypedMethod(name, each));
  }
  const files = new Set(methods.flatMap(({ spec }) => (spec.file === undefined ? [] : [spec.file])));
  return {
    name,
    version,
    endpoints: methods.map(toEndpoint),
    files: [...files],
    method: (endpoint) => byEndpoint.get(endpoint),
  };
}

/**
 * A resolver for a server that hosts these tables alone. A path without a service name (`/Type/Method`) and one with a
 * name that is not hosted find their endpoint by its type, as Micro's servers do.
 *
 * @throws MicroError `unimplemented`, `unknown service Type` or `unknown service Type.Method`, as Micro's clients expect it.
 */
export function resolveTables(tables: readonly ServiceTable[]): MethodResolver {
  const byName = new Map(tables.map((table) => [table.name, table]));
  const types = new Set(tables.flatMap((table) => table.endpoints.map((each) => typeOf(each.name))));
  return ({ service, endpoint }) => {
    const named = byName.get(service);
    for (const table of named === undefined ? tables : [named]) {
      const method = table.method(endpoint);
      if (method !== undefined) return method;
    }
    const type = typeOf(endpoint);
    throw new MicroError("unimplemented", `unknown service ${types.has(type) ? endpoint : type}`);
  };
}

function toEndpoint({ spec }: MethodImplementation): Endpoint {
  const kind = spec.publishedKind ?? spec.kind;
  return {
    name: spec.endpoint,
    request: spec.input.value,
    response: spec.output.value,
    metadata: {
      ...spec.metadata,
      kind,
      ...(kind === "unary" ? {} : { stream: "true" }),
      ...(spec.description === undefined ? {} : { description: spec.description }),
    },
  };
}

function typeOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.indexOf("."));
}
