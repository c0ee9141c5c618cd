import { MicroError } from "#base/error.ts";
import type { HttpListener, ListenHttpOptions } from "#rpc/http-exchange.ts";
import { listenNet } from "#rpc/net-listener.ts";
import { createHttpAcceptor } from "#rpc/node-http-acceptor.ts";

/** Listens for HTTP/1.1. @throws MicroError as `listenNet()` does; `unimplemented` for a shared port. */
export async function listenHttp({ address, handler, isPortShared = false }: ListenHttpOptions): Promise<HttpListener> {
  if (isPortShared) throw new MicroError("unimplemented", "a shared port needs Bun");
  return listenNet({ address }, (connections) => createHttpAcceptor(handler, connections));
}
