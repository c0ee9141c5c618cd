import { isForwardable, type Metadata } from "#base/metadata.ts";
import { formatTimeoutHeader } from "./grpc-timeout.ts";

/**
 * The headers of a call on its way out: its metadata without what belongs to one hop, and Micro's `timeout`.
 *
 * @param remainingMs time that is left; absent: no deadline.
 */
export function toCallHeaders(metadata: Metadata, remainingMs: number | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata)) {
    if (isForwardable(key)) headers[key] = value;
  }
  if (remainingMs !== undefined) headers["timeout"] = formatTimeoutHeader(remainingMs);
  return headers;
}
