/**
 * Key/values that travel with a call, down the whole chain of calls. Keys are lower-case, as on the wire; several values
 * of one key are joined with ", ".
 */
export type Metadata = Readonly<Record<string, string>>;

/**
 * Keys that belong to one hop or one transport and never travel on. `content-length` would contradict the next hop's
 * body; `cookie` and `host` belong to the browser's side of the gateway.
 */
const hopKeys: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "accept",
  "accept-encoding",
  "cookie",
  "expect",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-timeout",
  "host",
  "http2-settings",
  "keep-alive",
  "origin",
  "proxy-authenticate",
  "proxy-authorization",
  "referer",
  "te",
  "timeout",
  "trailer",
  "trailers",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "connect-protocol-version",
  "connect-timeout-ms",
  "connect-accept-encoding",
  "connect-content-encoding",
  "x-content-type",
]);

/** True for a key that may be sent on to the next hop. Pseudo headers (":path") may not. */
export function isForwardable(key: string): boolean {
  return !hopKeys.has(key) && !key.startsWith(":") && !key.startsWith("sec-");
}
