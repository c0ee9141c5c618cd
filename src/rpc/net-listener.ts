import { chmod, unlink } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { ConnectionTable, type Connection } from "./connection-table.ts";
import type { HttpListener } from "./http-exchange.ts";
import {
  clearStaleSocket,
  formatListenAddress,
  parseListenAddress,
  toListenError,
  type ListenAddress,
} from "./listen-address.ts";

/** Takes over a connection that was just accepted. */
export type Acceptor = (connection: Connection) => void;

export interface ListenNetOptions {
  readonly address: string;
  /** Lets several processes listen on one port; the system spreads connections over them. @default false */
  readonly reusePort?: boolean;
}

/**
 * Listens on `host:port` (port 0: a free one) or `unix:/path`, whose file is for its owner only, and keeps account of the
 * connections.
 *
 * @throws MicroError `conflict` when the address is in use, `permission_denied`, `invalid_argument` when it is no address
 * of this machine, `failed_precondition` when the folder of a socket file does not exist.
 */
export async function listenNet(
  { address, reusePort = false }: ListenNetOptions,
  createAcceptor: (connections: ConnectionTable) => Acceptor,
): Promise<HttpListener> {
  const wanted = parseListenAddress(address);
  if (wanted.kind === "unix") await clearStaleSocket(wanted.path);
  const connections = new ConnectionTable();
  const accept = createAcceptor(connections);
  const net = createServer({ noDelay: true }, (socket) => {
    const connection = connections.add(socket);
    if (connection !== undefined) accept(connection);
  });
  let bound: ListenAddress;
  try {
    bound = await bind(net, wanted, reusePort);
  } catch (reason) {
    await connections.drain(0);
    throw toListenError(formatListenAddress(wanted), reason);
  }
  let stopping: Promise<void> | undefined;
  return {
    address: formatListenAddress(bound),
    stop: (drainTimeoutMs) => {
      stopping ??= stopListener({ net, connections, bound }, drainTimeoutMs);
      return stopping;
    },
  };
}

async function bind(net: Server, wanted: ListenAddress, reusePort: boolean): Promise<ListenAddress> {
  await new Promise<void>((resolve, reject) => {
    net.once("error", reject);
    net.once("listening", () => {
      net.removeListener("error", reject);
      // A connection that cannot be accepted, as when files run out, is the peer's loss and not the end of the process.
      net.on("error", () => undefined);
      resolve();
    });
    if (wanted.kind === "unix") net.listen({ path: wanted.path });
    else net.listen({ host: wanted.host, port: wanted.port, reusePort });
  });
  if (wanted.kind === "unix") {
    await chmod(wanted.path, 0o600);
    return wanted;
  }
  const given = net.address();
  return { ...wanted, port: typeof given === "object" && given !== null ? given.port : wanted.port };
}

async function stopListener(
  parts: { readonly net: Server; readonly connections: ConnectionTable; readonly bound: ListenAddress },
  drainTimeoutMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    parts.net.close(() => resolve());
  });
  await parts.connections.drain(drainTimeoutMs);
  await closed;
  if (parts.bound.kind === "unix") await unlink(parts.bound.path).catch(() => undefined);
}
