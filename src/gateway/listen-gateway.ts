import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { limits } from "#base/limits.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import { formatListenAddress, parseListenAddress, toListenError, type ListenAddress } from "#rpc/listen-address.ts";
import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import type { RequestHost } from "./gateway-request.ts";
import type { CallSocket, SocketCall } from "./socket-call.ts";

export interface ListenGatewayOptions {
  /** Lets several processes listen on one port; the system spreads connections over them. @default false */
  readonly reusePort?: boolean;
  /**
   * Seconds without a byte written after which a connection is closed, at the latest four seconds later. What a caller
   * sends does not count, so that a body that trickles in ends too.
   *
   * @default 75
   */
  readonly idleTimeoutSeconds?: number;
  /** WebSockets at a time; more are refused with 503. @default limits.socketCountMax */
  readonly socketCountMax?: number;
  /** Speaks HTTPS alone, with HTTP/2 for those who offer it. @default plain HTTP */
  readonly tls?: GatewayTls;
}

/** A certificate, with those that sign it, and its key; both as the text of a PEM file. */
export interface GatewayTls {
  readonly cert: string;
  readonly key: string;
}

/** What listens, and what it tells of itself. */
export interface ListeningGateway {
  readonly address: string;
  readonly answer: Answer;
  /** The listener is about to stop: from now on, answers say so. */
  readonly drain: () => void;
  /** Requests that have come, ever. */
  readonly requestCount: () => number;
}

/**
 * Seconds without a byte written after which a connection is closed. More than a call without a time of its own may take,
 * which so still gets its 408.
 */
const idleTimeoutSecondsDefault = 75;

/** A look at the requests of a server that is about to stop, in milliseconds; and how many looks there are at most. */
const quietStepMs = 50;
const quietStepCountMax = 20;

/**
 * Bun looks for idle connections every four seconds and closes each up to that much early: one that may be idle for four
 * seconds can go as soon as it has come. It is told so much more.
 */
const idleLookSeconds = 4;

/** Seconds without a frame after which a WebSocket is closed. Bun sends pings in good time. */
const socketIdleSeconds = 60;

/** What answers requests; undefined where the connection has become a WebSocket. */
export type Answer = (request: Request, host: RequestHost) => Response | undefined | Promise<Response | undefined>;

type GatewaySocket = Bun.ServerWebSocket<SocketCall>;
type GatewayServer = Bun.Server<SocketCall>;

/** Listens with `Bun.serve`. @throws MicroError when the address cannot be listened on. */
export async function listenGateway(
  gateway: ListeningGateway,
  options: ListenGatewayOptions = {},
): Promise<HttpListener> {
  const wanted = parseListenAddress(gateway.address);
  if (wanted.kind === "tcp") await requireHost(wanted);
  const sockets = new Set<GatewaySocket>();
  const server = start(gateway, options, sockets);
  const bound = wanted.kind === "unix" ? wanted : { ...wanted, port: server.port ?? wanted.port };
  let stopping: Promise<void> | undefined;
  return {
    address: formatListenAddress(bound),
    stop: (drainTimeoutMs) => {
      gateway.drain();
      for (const socket of sockets) socket.data.end(toCallSocket(socket));
      stopping ??= drain(server, gateway.requestCount, drainTimeoutMs);
      return stopping;
    },
  };
}

/** Of a name that means nothing Bun says what went wrong before. @throws MicroError `invalid_argument` */
async function requireHost(wanted: ListenAddress & { readonly kind: "tcp" }): Promise<void> {
  if (isIP(wanted.host) !== 0) return;
  await lookup(wanted.host).catch((cause: unknown) => {
    const detail = `${formatListenAddress(wanted)} is no address of this machine`;
    throw new MicroError("invalid_argument", detail, { cause });
  });
}

function start(
  { address, answer }: ListeningGateway,
  options: ListenGatewayOptions,
  sockets: Set<GatewaySocket>,
): GatewayServer {
  const { reusePort = false, tls } = options;
  const idleTimeoutSeconds = (options.idleTimeoutSeconds ?? idleTimeoutSecondsDefault) + idleLookSeconds;
  const { socketCountMax = limits.socketCountMax } = options;
  const wanted = parseListenAddress(address);
  let host: RequestHost | undefined;
  const common = {
    // The page that Bun shows for a failure in development must never reach a caller.
    development: false,
    idleTimeout: idleTimeoutSeconds,
    // Bodies are measured by the gateway, which answers with a JSON error where Bun would say nothing.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request: Request, server: GatewayServer) =>
      answer(request, (host ??= toHost(server, sockets, { idleTimeoutSeconds, socketCountMax }))),
    websocket: socketHandler(sockets),
    error: () => new Response(null, { status: 500 }),
    ...(tls === undefined ? {} : { tls: { cert: tls.cert, key: tls.key }, http2: true }),
  };
  try {
    if (wanted.kind === "tcp") return Bun.serve({ ...common, hostname: wanted.host, port: wanted.port, reusePort });
    // Bun's types leave the timeout out for socket files; its server keeps it there all the same.
    return Bun.serve({ ...common, unix: wanted.path } as unknown as Bun.Serve.Options<SocketCall>);
  } catch (reason) {
    throw toListenError(formatListenAddress(wanted), reason);
  }
}

/**
 * Lets the calls in flight end, and cuts those that do not. Bun closes idle connections as soon as it stops, with what
 * their callers are about to send; so it stops when answers have told those who are still asking that theirs will close.
 */
async function drain(server: GatewayServer, requestCount: () => number, timeoutMs: number): Promise<void> {
  const cut = setTimeout(() => void server.stop(true), timeoutMs);
  if (timeoutMs > 0) await untilQuiet(requestCount);
  await server.stop(false);
  clearTimeout(cut);
}

/** Waits for a while in which no request comes. */
async function untilQuiet(requestCount: () => number): Promise<void> {
  let before = requestCount();
  for (let step = 0; step < quietStepCountMax; step += 1) {
    await delay(quietStepMs);
    const now = requestCount();
    if (now === before) return;
    before = now;
  }
}

function toHost(
  server: GatewayServer,
  sockets: ReadonlySet<GatewaySocket>,
  limit: { readonly idleTimeoutSeconds: number; readonly socketCountMax: number },
): RequestHost {
  return {
    idleTimeoutSeconds: limit.idleTimeoutSeconds,
    requestIP: (request) => server.requestIP(request),
    timeout: (request, seconds) => server.timeout(request, seconds),
    openSocket: (request, call, headers) => {
      if (sockets.size >= limit.socketCountMax) {
        throw new MicroError("unavailable", `the server has ${limit.socketCountMax} WebSockets open already`);
      }
      return server.upgrade(request, { data: call, headers: { ...headers } });
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
