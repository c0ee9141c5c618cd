import { chmod, unlink } from "node:fs/promises";
import { delay } from "#base/lifecycle.ts";
import type { HttpListener, HttpResponse, ListenHttpOptions } from "#rpc/http-exchange.ts";
import {
  clearStaleSocket,
  formatListenAddress,
  parseListenAddress,
  toListenError,
  type ListenAddress,
} from "#rpc/listen-address.ts";
import { BunHttpRequest } from "./bun-http-request.ts";
import { toBunResponse } from "./bun-http-response.ts";

/** Seconds without a byte; Bun's highest, because the time in which a handler works counts too. Streams have no limit. */
const idleTimeoutS = 255;

/** How often a stopping server looks whether its requests are answered, in milliseconds: Bun does not tell. */
const drainPollMs = 10;

type BunServer = Bun.Server<undefined>;

/**
 * Listens for HTTP/1.1 with Bun's own server, which answers about twice as many requests as `node:http`.
 *
 * @throws MicroError `conflict` when the address is in use, `permission_denied`, `invalid_argument` when it is no address
 * of this machine, `failed_precondition` when the folder of a socket file does not exist.
 */
export async function listenHttp({ address, handler, isPortShared = false }: ListenHttpOptions): Promise<HttpListener> {
  const wanted = parseListenAddress(address);
  if (wanted.kind === "unix") await clearStaleSocket(wanted.path);
  const server = serve(wanted, isPortShared, (request, server) => {
    const response = handler(new BunHttpRequest(request, server));
    return response instanceof Promise
      ? response.then((each) => answer(each, request, server))
      : answer(response, request, server);
  });
  if (wanted.kind === "unix") await chmod(wanted.path, 0o600);
  const bound = wanted.kind === "unix" ? wanted : { ...wanted, port: server.port ?? wanted.port };
  let stopping: Promise<void> | undefined;
  return {
    address: formatListenAddress(bound),
    stop: (drainTimeoutMs) => {
      stopping ??= stopServer(server, bound, drainTimeoutMs);
      return stopping;
    },
  };
}

type BunHandler = (request: Request, server: BunServer) => Response | Promise<Response>;

function serve(wanted: ListenAddress, reusePort: boolean, fetch: BunHandler): BunServer {
  const options = {
    development: false,
    idleTimeout: idleTimeoutS,
    // Bodies are limited where they are read, with an error that says so; streams may be longer than any limit here.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch,
    error: () => new Response(null, { status: 500 }),
  };
  try {
    if (wanted.kind === "tcp") return Bun.serve({ ...options, hostname: wanted.host, port: wanted.port, reusePort });
    // Bun's types leave the timeout out for socket files; its server keeps it there all the same.
    return Bun.serve({ ...options, unix: wanted.path } as unknown as Bun.Serve.Options<undefined>);
  } catch (reason) {
    throw toListenError(formatListenAddress(wanted), reason);
  }
}

function answer(response: HttpResponse, request: Request, server: BunServer): Response {
  // A stream may be quiet for as long as it likes.
  if (!(response.body instanceof Uint8Array)) server.timeout(request, 0);
  return toBunResponse(response);
}

async function stopServer(server: BunServer, bound: ListenAddress, drainTimeoutMs: number): Promise<void> {
  // Not awaited: on a socket file Bun waits for connections without a request too.
  server.stop().catch(() => undefined);
  const endMs = Date.now() + drainTimeoutMs;
  while (server.pendingRequests > 0 && Date.now() < endMs) await delay(drainPollMs);
  await server.stop(true);
  if (bound.kind === "unix") await unlink(bound.path).catch(() => undefined);
}
