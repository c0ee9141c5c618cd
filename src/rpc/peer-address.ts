/** The far side of a connection as `host:port`; `unix` for a socket file, whose far side has no address. */
export function formatPeer(
  socket: { readonly remoteAddress?: string | undefined; readonly remotePort?: number | undefined } | undefined,
): string {
  const host = socket?.remoteAddress;
  if (host === undefined || host === "") return "unix";
  return `${host.includes(":") ? `[${host}]` : host}:${socket?.remotePort ?? 0}`;
}

/** The address of a peer without the port, which is another one at each connection. */
export function peerHost(peer: string): string {
  return peer.replace(/:\d+$/, "");
}
