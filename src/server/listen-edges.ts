import type { Stoppable } from "#base/lifecycle.ts";
import type { GatewayTls } from "#gateway/listen-gateway.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import type { Edges } from "./create-edges.ts";
import { listenPart } from "./listen-part.ts";
import { openPorts } from "./open-ports.ts";
import type { OwnedParts } from "./owned-parts.ts";
import type { ServerConfig } from "./server-options.ts";

export interface ListenEdgesDeps extends Edges {
  readonly config: ServerConfig;
  readonly tls: GatewayTls | undefined;
}

/** A part of the server that listens. */
export type ListeningPart = Stoppable & { readonly address: string };

/** The ways in, opened one after the other: their order matters to those who come in. */
export interface EdgeListeners {
  /** For gRPC and HTTP/1.1 calls. */
  readonly openRpc: (address: string) => () => Promise<HttpListener>;
  network(): Promise<ListeningPart>;
  proxy(): Promise<ListeningPart>;
  gateway(): Promise<ListeningPart>;
}

/** Prepares the listeners of a server, whose ports workers may share. Each throws MicroError that names its flag. */
export async function listenEdges(
  { config, rpc, gateway, tls }: ListenEdgesDeps,
  parts: OwnedParts,
): Promise<EdgeListeners> {
  const { gatewayAddress, proxyAddress, networkAddress, workerCount, paths } = config;
  const ports = await openPorts({ serverFile: paths.serverFile, isShared: workerCount > 0 });
  const openRpc = (address: string) => () =>
    ports.listen(address, (reusePort) => listenRpc({ address, server: rpc, reusePort }));
  const secure = tls === undefined ? {} : { tls };
  const openGateway = (): Promise<HttpListener> =>
    ports.listen(gatewayAddress, (reusePort) => gateway.listen(gatewayAddress, { ...secure, reusePort }));
  const open = async (flag: string, listen: () => Promise<HttpListener>): Promise<ListeningPart> =>
    parts.own(await listenPart(flag, listen));
  return {
    openRpc,
    network: () => open("--network-address", openRpc(networkAddress)),
    proxy: () => open("--proxy-address", openRpc(proxyAddress)),
    gateway: () => open("--gateway-address", openGateway),
  };
}
