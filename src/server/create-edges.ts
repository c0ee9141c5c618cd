import type { Logger } from "#base/logger.ts";
import { createGateway, type Gateway, type GatewayOptions } from "#gateway/gateway.ts";
import type { BlobAnswerer } from "#gateway/public-blobs.ts";
import type { Readiness } from "#gateway/readiness.ts";
import type { ServiceDirectory } from "#interface/registry.ts";
import { createForwarder } from "#proxy/forwarder.ts";
import { createRpcServer, type RpcServer } from "#rpc/rpc-server.ts";
import type { ServerGuard } from "./create-guard.ts";
import type { Connections } from "./open-connections.ts";

export interface EdgesDeps extends ServerGuard {
  readonly connections: Connections;
  readonly directory: ServiceDirectory;
  readonly answerBlob: BlobAnswerer;
  /** Where parts of the server report why it should not be sent requests. */
  readonly readiness: Readiness;
  readonly gatewayOptions: GatewayOptions;
  readonly logger: Logger;
  readonly version: string;
}

/** Where calls come in: none of them listens yet. */
export interface Edges {
  /** Answers at the identity proxy and in the network. */
  readonly rpc: RpcServer;
  readonly gateway: Gateway;
}

/** Builds the edges behind one guard. */
export function createEdges(deps: EdgesDeps): Edges {
  const { connections, core, directory, guard, gatewayOptions } = deps;
  const { client, http, grpc, selector } = connections;
  const { answerBlob, readiness, version } = deps;
  const resolve = createForwarder({ client, directory, core });
  const logger = deps.logger.with({ part: "gateway" });
  return {
    rpc: createRpcServer({
      resolve,
      guard,
      logger: deps.logger.with({ part: "proxy" }),
      name: "micro",
      pages: gatewayOptions.cors ?? {},
    }),
    gateway: createGateway(
      { directory, core, guard, client, direct: { http, grpc, selector }, answerBlob, readiness, logger, version },
      gatewayOptions,
    ),
  };
}
