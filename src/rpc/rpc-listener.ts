import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { limits } from "#base/limits.ts";
import { linkHttp2 } from "#platform/http2-link.ts";
import { widenConnectionWindow } from "#platform/http2-window.ts";
import type { Connection, ConnectionTable } from "./connection-table.ts";
import { handBack } from "./hand-back.ts";
import type { HttpListener } from "./http-exchange.ts";
import type { Http2Link } from "./http2-link.ts";
import { listenNet, type Acceptor } from "./net-listener.ts";
import { createHttpAcceptor } from "./node-http-acceptor.ts";
import { ResetGuard } from "./reset-guard.ts";
import type { RpcServer } from "./rpc-server.ts";

export interface ListenRpcOptions {
  /** `host:port` (port 0: a free one) or `unix:/path`. The socket file is for its owner only. */
  readonly address: string;
  readonly server: RpcServer;
  /** Lets several processes listen on one port; the system spreads connections over them. @default false */
  readonly reusePort?: boolean;
}

/** How an HTTP/2 connection without TLS begins; no HTTP/1.1 method begins like this. */
const http2Preface = "PRI";

/**
 * Listens on one port for both protocols: the first bytes of a connection tell HTTP/2 from HTTP/1.1.
 *
 * @throws MicroError as `listenNet()` does.
 */
export function listenRpc({ address, server, reusePort = false }: ListenRpcOptions): Promise<HttpListener> {
  const createAcceptor = (connections: ConnectionTable): Acceptor => {
    const acceptHttp = createHttpAcceptor(server.handleHttp, connections);
    const acceptHttp2 = createHttp2Acceptor(server, connections);
    return (connection) => {
      peek(connection.socket, (isHttp2) => (isHttp2 ? acceptHttp2 : acceptHttp)(connection));
    };
  };
  return listenNet({ address, reusePort }, createAcceptor);
}

function createHttp2Acceptor(server: RpcServer, connections: ConnectionTable): Acceptor {
  const http2 = createServer({
    maxSessionMemory: limits.http2SessionMemoryMiB,
    settings: {
      maxConcurrentStreams: limits.streamsPerConnectionMax,
      initialWindowSize: limits.http2StreamWindowBytes,
      maxHeaderListSize: limits.headerBytesMax,
      enablePush: false,
    },
  });
  return (connection) => {
    openSession(http2, connection, (session, link) => {
      const resets = new ResetGuard(limits.streamResetCountMax);
      session.on("stream", (stream, headers) => {
        connections.begin(connection);
        const { id = 0 } = stream;
        link.begin(id);
        stream.once("close", () => {
          link.end(id);
          connections.finish(connection);
          if (stream.aborted && !resets.note()) connection.socket.destroy();
        });
        server.handleStream(stream, headers);
      });
    });
  };
}

function openSession(
  http2: Http2Server,
  connection: Connection,
  onSession: (session: ServerHttp2Session, link: Http2Link) => void,
): void {
  const link = linkHttp2(connection.socket, "server");
  // "session" is emitted while "connection" is being dealt with, so it is the session of this connection.
  http2.once("session", (session: ServerHttp2Session) => {
    connection.session = session;
    widenConnectionWindow(session);
    session.on("error", () => undefined);
    onSession(session, link);
  });
  http2.emit("connection", link.duplex);
}

/** Waits for the first bytes, then hands them back to the socket for whoever takes it over. */
function peek(socket: Socket, decide: (isHttp2: boolean) => void): void {
  let seen = new Uint8Array(0);
  const look = (chunk: Uint8Array): void => {
    seen = seen.byteLength === 0 ? new Uint8Array(chunk) : new Uint8Array([...seen, ...chunk]);
    const start = String.fromCodePoint(...seen.subarray(0, http2Preface.length));
    if (start.length < http2Preface.length && http2Preface.startsWith(start)) return;
    socket.removeListener("data", look);
    handBack(socket, seen, () => decide(start === http2Preface));
  };
  socket.on("data", look);
}
