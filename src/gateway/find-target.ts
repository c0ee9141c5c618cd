import { MicroError } from "#base/error.ts";
import type { Endpoint, ServiceDirectory, Value } from "#interface/registry.ts";
import { methodKinds, type MethodKind, type RpcMethod, type ServiceTable } from "#rpc/method.ts";
import type { ServerCall } from "#rpc/server-call.ts";

/** What answers a call, and how. */
export interface Target {
  readonly method: RpcMethod;
  /** `stream`: it streams, and its service does not say in which direction. */
  readonly kind: MethodKind | "stream";
  /** Schema of the request, where the service published one. */
  readonly requestType: Value | undefined;
}

export interface TargetDeps {
  readonly directory: ServiceDirectory;
  readonly core: (service: string) => ServiceTable | undefined;
  /** Answers for every service that is not in this process. */
  readonly remote: RpcMethod;
}

/**
 * Finds the target of a call whose namespace is settled.
 *
 * @throws MicroError `not_found` when there is no such service here, or no such endpoint.
 */
export function findTarget({ directory, core, remote }: TargetDeps, call: ServerCall): Target {
  const { service, endpoint, namespace } = call;
  const table = core(service);
  if (table !== undefined) return coreTarget(table, call);
  if (directory.nodes(service, namespace).length === 0)
    throw new MicroError("not_found", "service not found", { at: service });
  const published = directory.endpoint(service, namespace, endpoint);
  if (published !== undefined) return { method: remote, kind: kindOf(published), requestType: typeOf(published) };
  if (directory.hasEndpoints(service, namespace)) throw noEndpoint(call);
  // A service that publishes nothing is asked.
  return { method: remote, kind: "unary", requestType: undefined };
}

function coreTarget(table: ServiceTable, call: ServerCall): Target {
  const method = table.method(call.endpoint);
  const published = table.endpoints.find((each) => each.name === call.endpoint);
  if (method === undefined || published === undefined) throw noEndpoint(call);
  return { method, kind: kindOf(published), requestType: typeOf(published) };
}

function kindOf(endpoint: Endpoint): Target["kind"] {
  const named = methodKinds.find((kind) => kind === endpoint.metadata["kind"]);
  return named ?? (endpoint.metadata["stream"] === "true" ? "stream" : "unary");
}

/** Streams of Go services publish a placeholder without fields. */
function typeOf(endpoint: Endpoint): Value | undefined {
  return endpoint.request.values.length === 0 ? undefined : endpoint.request;
}

function noEndpoint(call: ServerCall): MicroError {
  return new MicroError("not_found", `service ${call.service} has no endpoint ${call.endpoint}`, { at: call.service });
}
