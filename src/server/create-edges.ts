import type { Logger } from "#base/logger.ts";
import type { Auth } from "#core/auth/auth.ts";
import { refusalsTo, reportGuard } from "#core/auth/report-refusals.ts";
import { createGateway, type Gateway, type GatewayOptions } from "#gateway/gateway.ts";
import { Readiness } from "#gateway/readiness.ts";
import { openApiPath } from "#gateway/openapi.ts";
import type { Blobs } from "#interface/blob.ts";
import type { ServiceDirectory } from "#interface/registry.ts";
import { createHttpClient } from "#platform/http-client.ts";
import { createForwarder } from "#proxy/forwarder.ts";
import { createNetworkReflection } from "#proxy/network-reflection.ts";
import { createCallerGuard } from "#rpc/caller-guard.ts";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import type { HttpClient } from "#rpc/http-client.ts";
import { HttpTransport } from "#rpc/http-transport.ts";
import type { ServiceTable } from "#rpc/method.ts";
import { NodeSelector } from "#rpc/node-selector.ts";
import { RpcClient } from "#rpc/rpc-client.ts";
import { createRpcServer, type RpcServer } from "#rpc/rpc-server.ts";
import type { OwnedParts } from "./owned-parts.ts";

export interface EdgesDeps {
  readonly auth: Auth;
  readonly directory: ServiceDirectory;
  /** The core services by name; filled while the server is built. */
  readonly tables: ReadonlyMap<string, ServiceTable>;
  /** The public ones are served by the gateway. */
  readonly blobs: Pick<Blobs, "stat" | "read">;
  readonly gatewayOptions: GatewayOptions;
  readonly logger: Logger;
  readonly version: string;
}

/** Where calls come in: none of them listens yet. */
export interface Edges {
  /** Answers at the identity proxy and in the network. */
  readonly rpc: RpcServer;
  readonly gateway: Gateway;
  /** Where parts of the server report why it should not be sent requests. */
  readonly readiness: Readiness;
  /** Reaches services over HTTP/1.1. */
  readonly http: HttpClient;
}

/** Builds the edges behind one guard: who calls is settled the same way wherever he comes in. */
export function createEdges(deps: EdgesDeps, parts: OwnedParts): Edges {
  const { auth, directory, tables, blobs, logger, version, gatewayOptions } = deps;
  const http = createHttpClient();
  const selector = new NodeSelector();
  const grpc = new GrpcTransport();
  const client = new RpcClient(
    {
      resolve: (service, namespace) => directory.nodes(service, namespace),
      http: new HttpTransport({ http }),
      grpc,
      selector,
      logger: logger.with({ part: "proxy" }),
    },
    // Whoever calls through us decides whether an answer was final.
    { retryCountMax: 0 },
  );
  parts.own({ stop: () => client.close() });
  const ofNetwork = createNetworkReflection({ directory, core: () => [...tables.values()], grpc });
  const reflection = new Map(ofNetwork.map((table) => [table.name, table]));
  const core = (service: string): ServiceTable | undefined => tables.get(service) ?? reflection.get(service);
  const ask = createCallerGuard({
    verifier: auth.verifier,
    rules: auth.rules,
    isCore: (service) => core(service) !== undefined,
    isLogin: (call) => call.service === "auth" && (call.endpoint === "Auth.Token" || call.endpoint === "Auth.Inspect"),
  });
  const readiness = new Readiness();
  const report = refusalsTo(auth.audit);
  const guard = reportGuard(ask, (call, refusal) => {
    // What OpenAPI leaves out was asked for by nobody.
    if (call.path !== openApiPath) report(call, refusal);
  });
  const resolve = createForwarder({ client, directory, core });
  return {
    http,
    readiness,
    rpc: createRpcServer({
      resolve,
      guard,
      logger: logger.with({ part: "proxy" }),
      name: "micro",
      pages: gatewayOptions.cors ?? {},
    }),
    gateway: createGateway(
      {
        directory,
        core,
        guard,
        client,
        direct: { http, selector },
        publicBlobs: blobs,
        readiness,
        logger: logger.with({ part: "gateway" }),
        version,
      },
      gatewayOptions,
    ),
  };
}
