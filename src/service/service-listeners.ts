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
 * Opens the listeners of a service: one that takes everything, and where nobody minds a second one for plain HTTP alone,
 * which the gateway prefers: a server for one protocol answers more than twice as many requests. That is beside a socket
 * file, as `PATH.http`, and beside a port that nobody chose. A port that was chosen stays the only one.
 *
 * @throws MicroError as `listenRpc` does; nothing listens then.
 */
export async function openListeners(address: string, options: RpcServerOptions): Promise<ServiceListeners> {
  const server = createRpcServer(options);
  const main = await listenRpc({ address, server });
  const besides = addressBesides(address, main.address);
  if (besides === undefined) return { ...join([main]), httpAddress: main.address };
  try {
    const http = await listenHttp({ address: besides, handler: server.handleHttp });
    return { ...join([main, http]), httpAddress: http.address };
  } catch (reason) {
    await main.stop(0);
    throw reason;
  }
}

function addressBesides(wanted: string, bound: string): string | undefined {
  if (bound.startsWith("unix:")) return `${bound}.http`;
  return wanted.endsWith(":0") ? wanted : undefined;
}

function join(listeners: readonly [HttpListener, ...HttpListener[]]): Omit<ServiceListeners, "httpAddress"> {
  return {
    address: listeners[0].address,
    stop: async (drainTimeoutMs) => {
      await Promise.all(listeners.map((each) => each.stop(drainTimeoutMs)));
    },
  };
}
