import type { HttpHandler, HttpListener } from "#rpc/http-exchange.ts";
import { listenNet } from "#rpc/net-listener.ts";
import { createHttpAcceptor } from "#rpc/node-http-acceptor.ts";

export interface ListenHttpOptions {
  /** `host:port` (port 0: a free one) or `unix:/path`. The socket file is for its owner only. */
  readonly address: string;
  readonly handler: HttpHandler;
}

/** Listens for HTTP/1.1. @throws MicroError as `listenNet()` does. */
export function listenHttp({ address, handler }: ListenHttpOptions): Promise<HttpListener> {
  return listenNet(address, (connections) => createHttpAcceptor(handler, connections));
}
