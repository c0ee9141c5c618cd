import { createHttpClient } from "#platform/http-client.ts";
import type { ServiceNode } from "#interface/registry.ts";
import { HttpTransport } from "#rpc/http-transport.ts";
import { RpcClient } from "#rpc/rpc-client.ts";
import type { Transport } from "#rpc/transport.ts";
import type { Environment } from "./environment.ts";
import { Network } from "./network.ts";

/**
 * Opens the way to the network that the environment names. Single messages travel as plain HTTP, which is the fastest;
 * streams as gRPC, where both sides talk at once and one connection carries them all. The network finds the node.
 *
 * @param token gives the token of the moment, instead of one for the environment's credentials
 */
export function openNetwork(
  environment: Environment,
  namespace: string,
  token?: () => Promise<string | undefined>,
): Network {
  const http = new HttpTransport({ http: createHttpClient() });
  const client = new RpcClient({ http, grpc: createLazyGrpc(), resolve: () => [toNode(environment.network())] });
  return new Network({
    sender: {
      unary: (call, message) => client.unary({ ...call, namespace }, message),
      stream: (call, messages) => client.stream({ ...call, namespace }, messages),
      close: () => client.close(),
    },
    namespace,
    ...(token === undefined ? { credentials: environment.credentials } : { token }),
  });
}

function toNode(address: string): ServiceNode {
  return { id: address, address, metadata: { http: address } };
}

/** gRPC that is loaded with the first stream: HTTP/2 takes time to load, and a command that makes one call can do without. */
function createLazyGrpc(): Transport {
  let loading: Promise<Transport> | undefined;
  const load = (): Promise<Transport> =>
    (loading ??= import("#rpc/grpc-transport.ts").then(({ GrpcTransport }) => new GrpcTransport()));
  return {
    unary: async (address, call, message) => (await load()).unary(address, call, message),
    stream: async function* (address, call, messages) {
      yield* (await load()).stream(address, call, messages);
    },
    close: async () => (await loading)?.close(),
  };
}
