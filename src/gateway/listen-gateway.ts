import type { HttpListener } from "#rpc/http-exchange.ts";
import { formatListenAddress, parseListenAddress, toListenError } from "#rpc/listen-address.ts";
import type { RequestHost } from "./gateway-request.ts";

export interface ListenGatewayOptions {
  /** Lets several processes listen on one port; the system spreads connections over them. @default false */
  readonly reusePort?: boolean;
}

/** Seconds without a byte after which a connection is closed: the most that Bun can count. A call may take that long. */
const idleTimeoutSeconds = 255;

/** Listens with `Bun.serve`. @throws MicroError when the address cannot be listened on. */
export function listenGateway(
  gateway: { address: string; answer: (request: Request, host: RequestHost) => Response | Promise<Response> },
  options: ListenGatewayOptions = {},
): HttpListener {
  const wanted = parseListenAddress(gateway.address);
  const server = start(gateway, options);
  const bound = wanted.kind === "unix" ? wanted : { ...wanted, port: server.port ?? wanted.port };
  let stopping: Promise<void> | undefined;
  return {
    address: formatListenAddress(bound),
    stop: (drainTimeoutMs) => {
      stopping ??= drain(server, drainTimeoutMs);
      return stopping;
    },
  };
}

function start(
  { address, answer }: Parameters<typeof listenGateway>[0],
  { reusePort = false }: ListenGatewayOptions,
): Bun.Server<undefined> {
  const wanted = parseListenAddress(address);
  const common = {
    // The page that Bun shows for a failure in development must never reach a caller.
    development: false,
    idleTimeout: idleTimeoutSeconds,
    // Bodies are measured by the gateway, which answers with a JSON error where Bun would say nothing.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: answer,
    error: () => new Response(null, { status: 500 }),
  };
  try {
    if (wanted.kind === "tcp") return Bun.serve({ ...common, hostname: wanted.host, port: wanted.port, reusePort });
    // Bun's types leave the timeout out for socket files; its server keeps it there all the same.
    return Bun.serve({ ...common, unix: wanted.path } as unknown as Bun.Serve.Options<undefined>);
  } catch (reason) {
    throw toListenError(formatListenAddress(wanted), reason);
  }
}

/** Takes no new connection, lets the calls in flight end, and cuts those that do not. */
async function drain(server: Bun.Server<undefined>, timeoutMs: number): Promise<void> {
  const cut = setTimeout(() => void server.stop(true), timeoutMs);
  await server.stop(false);
  clearTimeout(cut);
}
