import { MicroError } from "#base/error.ts";
import type { ServiceDirectory } from "#interface/registry.ts";
import { ForwardingMethod, type ForwardingClient } from "#rpc/forwarding-method.ts";
import type { MethodResolver, RpcMethod, ServiceTable } from "#rpc/method.ts";
import type { ServerCall } from "#rpc/server-call.ts";

export interface ForwarderDeps {
  readonly client: ForwardingClient;
  readonly directory: ServiceDirectory;
  /** The table of a core service. Its name is taken in every namespace, so that nobody can stand in for it. */
  readonly core: (service: string) => ServiceTable | undefined;
}

/**
 * Finds what answers a call at the identity proxy and in the network: a core service in this process, or a node of the
 * service in the caller's namespace. It is given to a server behind a guard that has settled the namespace.
 *
 * It throws `invalid_argument` for a call without a service, `not_found` for a service that has no node here, and
 * `unimplemented` for an endpoint that a core service does not have; other services say themselves what they lack.
 */
export function createForwarder({ client, directory, core }: ForwarderDeps): MethodResolver {
  const streaming = new ForwardingMethod(client, "any");
  const unary = new ForwardingMethod(client, "unary");
  return (call) => {
    if (call.service === "") throw new MicroError("invalid_argument", "service name is blank", { at: "proxy" });
    const table = core(call.service);
    if (table !== undefined) return coreMethod(table, call);
    if (directory.nodes(call.service, call.namespace).length === 0) {
      throw new MicroError("not_found", `service ${call.service}: route not found`, { at: "proxy" });
    }
    const endpoint = directory.endpoint(call.service, call.namespace, call.endpoint);
    return endpoint === undefined || endpoint.metadata["stream"] === "true" ? streaming : unary;
  };
}

function coreMethod(table: ServiceTable, call: ServerCall): RpcMethod {
  const method = table.method(call.endpoint);
  if (method !== undefined) return method;
  const type = call.endpoint.slice(0, call.endpoint.indexOf("."));
  const isType = table.endpoints.some((each) => each.name.startsWith(`${type}.`));
  throw new MicroError("unimplemented", `unknown service ${isType ? call.endpoint : type}`, { at: call.service });
}
