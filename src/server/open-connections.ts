import type { Logger } from "#base/logger.ts";
import type { ServiceDirectory } from "#interface/registry.ts";
import { createHttpClient } from "#platform/http-client.ts";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import type { HttpClient } from "#rpc/http-client.ts";
import { HttpTransport } from "#rpc/http-transport.ts";
import { NodeSelector } from "#rpc/node-selector.ts";
import { RpcClient } from "#rpc/rpc-client.ts";
import type { OwnedParts } from "./owned-parts.ts";

/** How edges reach services: one set of connections, and one memory of how nodes are, for all of them. */
export interface Connections {
  readonly http: HttpClient;
  readonly grpc: GrpcTransport;
  readonly selector: NodeSelector;
  readonly client: RpcClient;
}

/** @param deps.directory says where services are. */
export function openConnections(
  { directory, logger }: { readonly directory: Pick<ServiceDirectory, "nodes">; readonly logger: Logger },
  parts: OwnedParts,
): Connections {
  const http = createHttpClient();
  const grpc = new GrpcTransport();
  const selector = new NodeSelector();
  const resolve = (service: string, namespace: string) => directory.nodes(service, namespace);
  // Whoever calls through us decides whether an answer was final.
  const options = { retryCountMax: 0 };
  const client = new RpcClient({ resolve, http: new HttpTransport({ http }), grpc, selector, logger }, options);
  parts.own({ stop: () => client.close() });
  return { http, grpc, selector, client };
}
