import { limits } from "#base/limits.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import { formatListenAddress, parseListenAddress, toListenError } from "#rpc/listen-address.ts";
import type { RequestHost } from "./gateway-request.ts";
import type { CallSocket, SocketCall } from "./socket-call.ts";

export interface ListenGatewayOptions {
  /** Lets several processes listen on one port; the system spreads connections over them. @default false */
  readonly reusePort?: boolean;
}

/** Seconds without a byte after which a connection is closed: the most that Bun can count. A call may take that long. */
const idleTimeoutSeconds = 255;

/** Seconds without a frame after which a WebSocket is closed. Bun sends pings in good time. */
const socketIdleSeconds = 60;

/** What answers requests; undefined where the connection has become a WebSocket. */
export type Answer = (request: Request, host: RequestHost) => Response | undefined | Promise<Response | undefined>;

type GatewaySocket = Bun.ServerWebSocket<SocketCall>;
type GatewayServer = Bun.Server<SocketCall>;

/** Listens with `Bun.serve`. @throws MicroError when the address cannot be listened on. */
export function listenGateway(
  gateway: { readonly address: string; readonly answer: Answer },
  options: ListenGatewayOptions = {},
): HttpListener {
  const wanted = parseListenAddress(gateway.address);
  const sockets = new Set<GatewaySocket>();
  const server = start(gateway, options, sockets);
  const bound = wanted.kind === "unix" ? wanted : { ...wanted, port: server.port ?? wanted.port };
  let stopping: Promise<void> | undefined;
  return {
    address: formatListenAddress(bound),
    stop: (drainTimeoutMs) => {
      for (const socket of sockets) socket.data.end(toCallSocket(socket));
      stopping ??= drain(server, drainTimeoutMs);
      return stopping;
    },
  };
}

function start(
  { address, answer }: Parameters<typeof listenGateway>[0],
  { reusePort = false }: ListenGatewayOptions,
  sockets: Set<GatewaySocket>,
): GatewayServer {
  const wanted = parseListenAddress(address);
  const common = {
    // The page that Bun shows for a failure in development must never reach a caller.
    development: false,
    idleTimeout: idleTimeoutSeconds,
    // Bodies are measured by the gateway, which answers with a JSON error where Bun would say nothing.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request: Request, server: GatewayServer) => answer(request, toHost(server)),
    websocket: socketHandler(sockets),
    error: () => new Response(null, { status: 500 }),
  };
  try {
    if (wanted.kind === "tcp") return Bun.serve({ ...common, hostname: wanted.host, port: wanted.port, reusePort });
    // Bun's types leave the timeout out for socket files; its server keeps it there all the same.
    return Bun.serve({ ...common, unix: wanted.path } as unknown as Bun.Serve.Options<SocketCall>);
  } catch (reason) {
    throw toListenError(formatListenAddress(wanted), reason);
  }
}

/** Takes no new connection, lets the calls in flight end, and cuts those that do not. */
async function drain(server: GatewayServer, timeoutMs: number): Promise<void> {
  const cut = setTimeout(() => void server.stop(true), timeoutMs);
  await server.stop(false);
  clearTimeout(cut);
}

function toHost(server: GatewayServer): RequestHost {
  return {
    requestIP: (request) => server.requestIP(request),
    timeout: (request, seconds) => server.timeout(request, seconds),
    openSocket: (request, call, protocol) => {
      const headers = protocol === undefined ? {} : { "sec-websocket-protocol": protocol };
      return server.upgrade(request, { data: call, headers });
    },
  };
}

function socketHandler(sockets: Set<GatewaySocket>): Bun.WebSocketHandler<SocketCall> {
  return {
    maxPayloadLength: limits.messageBytesMax,
    idleTimeout: socketIdleSeconds,
    sendPings: true,
    open: (socket) => {
      sockets.add(socket);
      void socket.data.run(toCallSocket(socket));
    },
    message: (socket, message) => socket.data.take(toCallSocket(socket), message),
    drain: (socket) => socket.data.drained(),
    close: (socket) => {
      sockets.delete(socket);
      socket.data.left();
    },
  };
}

function toCallSocket(socket: GatewaySocket): CallSocket {
  return {
    sendText: (text) => socket.sendText(text),
    close: (code, reason) => socket.close(code, reason),
  };
}
