import { defaultNamespace } from "#interface/auth.ts";
import { toRouted, type ForwardingClient } from "#rpc/forwarding-method.ts";
import type { RpcMethod, ServiceTable } from "#rpc/method.ts";
import type { RoutedCall } from "#rpc/rpc-client.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import type { MirrorDirectory } from "./mirror-directory.ts";

/** Header that tells the main process where a call came in, which only its own socket believes. */
export const relayedPeerHeader = "micro-relayed-peer";

export interface CoreProxyDeps {
  /** Reaches the main process, whatever service is named. */
  readonly client: ForwardingClient;
  readonly directory: MirrorDirectory;
  readonly names: readonly string[];
}

/** The core services as a worker has them: tables whose every call the main process answers. */
export function createCoreProxy({ client, directory, names }: CoreProxyDeps): ReadonlyMap<string, ServiceTable> {
  const relay = (kind: "any" | "unary"): RpcMethod => ({
    kind,
    unary: (message, call) => client.unary(toRelayed(call), message),
    stream: (messages, call) => client.stream(toRelayed(call), messages),
  });
  const unary = relay("unary");
  const streaming = relay("any");
  const toTable = (name: string): ServiceTable => ({
    name,
    version: "",
    get endpoints() {
      return directory.entries(name, defaultNamespace)[0]?.endpoints ?? [];
    },
    files: [],
    method: (endpoint) => {
      const published = directory.endpoint(name, defaultNamespace, endpoint);
      // What is not published, such as reflection, says of itself what it is.
      return published === undefined || published.metadata["stream"] === "true" ? streaming : unary;
    },
  });
  return new Map(names.map((name) => [name, toTable(name)]));
}

function toRelayed(call: ServerCall): RoutedCall {
  const routed = toRouted(call);
  return { ...routed, metadata: { ...routed.metadata, [relayedPeerHeader]: call.peer } };
}
