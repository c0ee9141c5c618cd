import type { Socket } from "node:net";
import type { Http2Link } from "#rpc/http2-link.ts";

/** Node keeps the windows of its peers right by itself. */
export function linkHttp2(socket: Socket, _side: "server" | "client"): Http2Link {
  return { duplex: socket, begin: () => undefined, end: () => undefined };
}
