import type { MicroError } from "#base/error.ts";
import { toErrorJson } from "#rpc/error-wire.ts";
import { requestEncodings } from "./compression.ts";
import { allowedMethods } from "./fixed-routes.ts";

/** The failure as an answer: its status, and the JSON that Micro's clients read. */
export function errorResponse(error: MicroError): Response {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (error.code === "method_not_allowed") headers["allow"] = allowedMethods;
  // What is left of a body that was refused is not worth reading.
  if (error.code === "payload_too_large" || error.code === "timeout") headers["connection"] = "close";
  if (error.code === "unauthenticated") headers["www-authenticate"] = "Bearer";
  if (error.code === "unsupported_media_type") headers["accept-encoding"] = requestEncodings;
  return new Response(toErrorJson(error, "gateway"), { status: toStatus(error.httpStatus), headers });
}

/** Services may invent statuses; those that HTTP has no place for become 500. */
function toStatus(status: number): number {
  return status >= 400 && status <= 599 ? status : 500;
}
