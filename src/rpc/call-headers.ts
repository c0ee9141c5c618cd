import { isForwardable, type Metadata } from "#base/metadata.ts";
import { formatTimeoutHeader } from "./grpc-timeout.ts";

/**
 * The headers of a call on its way out: its metadata without what belongs to one hop, and Micro's `timeout`.
 *
 * @param remainingMs time that is left; absent: no deadline.
 */
export function toCallHeaders(metadata: Metadata, remainingMs: number | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  // Without a list of pairs, of which every call would make as many as it has headers.
  for (const key in metadata) {
    const value = metadata[key];
    if (value !== undefined && isForwardable(key)) headers[key] = value;
  }
  if (remainingMs !== undefined) headers["timeout"] = formatTimeoutHeader(remainingMs);
  return headers;
}
