import type { EndpointEntry } from "./service-entry.ts";

/** How messages go: `stream` is one of which no more is known than that it streams, as Go services register it. */
export type MethodKind = "unary" | "server_stream" | "client_stream" | "bidi_stream" | "stream";

export function methodKindOf({ metadata }: EndpointEntry): MethodKind {
  const { kind, stream } = metadata;
  if (kind === "server_stream" || kind === "client_stream" || kind === "bidi_stream") return kind;
  return stream === "true" ? "stream" : "unary";
}
