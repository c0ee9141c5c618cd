import type { HttpListener } from "#rpc/http-exchange.ts";
import { listenHttp } from "#platform/http-listener.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer, type RpcServerOptions } from "#rpc/rpc-server.ts";

/** What a service listens on. */
export interface ServiceListeners {
  /** Takes gRPC and plain HTTP. */
  readonly address: string;
  /** Where plain HTTP is fastest. */
  readonly httpAddress: string;
  stop(drainTimeoutMs: number): Promise<void>;
}

/**
 * Opens the listeners of a service. On a socket file there is a second one, `PATH.http`, for plain HTTP alone, which
 * the gateway prefers; on TCP one port takes everything.
 *
 * @throws MicroError as `listenRpc` does; nothing listens then.
 */
export async function openListeners(address: string, options: RpcServerOptions): Promise<ServiceListeners> {
  const server = createRpcServer(options);
  const main = await listenRpc({ address, server });
  if (!main.address.startsWith("unix:")) return { ...join([main]), httpAddress: main.address };
  try {
    const http = await listenHttp({ address: `${main.address}.http`, handler: server.handleHttp });
    return { ...join([main, http]), httpAddress: http.address };
  } catch (reason) {
    await main.stop(0);
    throw reason;
  }
}

function join(listeners: readonly [HttpListener, ...HttpListener[]]): Omit<ServiceListeners, "httpAddress"> {
  return {
    address: listeners[0].address,
    stop: async (drainTimeoutMs) => {
      await Promise.all(listeners.map((each) => each.stop(drainTimeoutMs)));
    },
  };
}
