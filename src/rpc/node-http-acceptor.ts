import { createServer } from "node:http";
import { limits } from "#base/limits.ts";
import type { Connection, ConnectionTable } from "./connection-table.ts";
import type { HttpHandler } from "./http-exchange.ts";
import type { Acceptor } from "./net-listener.ts";
import { answerNodeRequest } from "./node-http-exchange.ts";
import { PlainHttpConnection } from "./plain-http-connection.ts";

/** Speaks HTTP/1.1 on the connections that it is given: plain requests itself, all others through `node:http`. */
export function createHttpAcceptor(handler: HttpHandler, connections: ConnectionTable): Acceptor {
  // The times are kept by the table of connections, for both protocols alike.
  const http = createServer({ maxHeaderSize: limits.headerBytesMax, keepAliveTimeout: 0, requestTimeout: 0 });
  http.on("request", (message, response) => {
    const connection = connections.get(message.socket);
    if (connection !== undefined) {
      connections.begin(connection);
      response.once("close", () => connections.finish(connection));
    }
    answerNodeRequest(handler, { message, response, isLast: connections.isDraining }).catch(() => response.destroy());
  });
  const handOver = ({ socket }: Connection): void => {
    http.emit("connection", socket);
  };
  return (connection) => {
    void new PlainHttpConnection(connection, { handler, connections, handOver });
  };
}
