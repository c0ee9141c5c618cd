import type { Metadata } from "#base/metadata.ts";
import { readHeader, type HeaderRecord } from "./header-record.ts";

/** Headers of an answer that belong to one connection, or that each server says of itself. */
const hopKeys: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "date",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * What headers or trailers of an answer say to whoever called, and not to his connection: without pseudo headers, those
 * of one hop, and those of gRPC itself, which each hop writes anew.
 */
export function toAnswerMetadata(headers: HeaderRecord): Metadata {
  const metadata: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    if (name.startsWith(":") || name.startsWith("grpc-") || hopKeys.has(name)) continue;
    const value = readHeader(headers, name);
    if (value !== undefined) metadata[name] = value;
  }
  return metadata;
}
