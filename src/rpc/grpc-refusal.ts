import type { MicroError } from "#base/error.ts";
import { encodePercent, readPeerStatus, toGrpcTrailers } from "./error-wire.ts";

/**
 * How a failure is told over gRPC: as the service put it that was called on the caller's behalf, else in our own words.
 *
 * A path that is no method is refused with plain text: Micro's command line looks for it with a regular expression.
 */
export function toRefusal(error: MicroError, name: string): Readonly<Record<string, string>> {
  if (error.detail.startsWith("malformed method name")) {
    return { "grpc-status": "12", "grpc-message": encodePercent(error.detail) };
  }
  const trailers = { ...(readPeerStatus(error) ?? toGrpcTrailers(error, name)) };
  return error.code === "unimplemented" ? { ...trailers, "grpc-accept-encoding": "identity" } : trailers;
}
