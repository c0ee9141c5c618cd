import { isRecord } from "#base/json.ts";
import { MicroError } from "#base/error.ts";
import { codeFromHttp } from "#base/error-code.ts";
import { limits } from "#base/limits.ts";
import type { ServerUrl } from "./server-url.ts";
import { findTlsFailure } from "./tls-failure.ts";

/** One call, ready to be sent. */
export interface RpcRequest {
  readonly server: ServerUrl;
  /** `/service.Type/Method`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** @default limits.requestTimeoutMs */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Sends one message, which is JSON text already, and returns the one that comes back. It is plain `fetch`, because a command that asks once should
 * not load an RPC client.
 *
 * @throws MicroError of the server; `unavailable` (`neverSent`) when nobody listens; `timeout`.
 */
export async function sendUnary(request: RpcRequest, bodyText: string): Promise<unknown> {
  const timeoutMs = request.timeoutMs ?? limits.requestTimeoutMs;
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(`${request.server.origin}${request.path}`, {
      method: "POST",
      headers: { ...request.headers, "content-type": "application/json", timeout: String(timeoutMs * 1_000_000) },
      body: bodyText,
      redirect: "manual",
      signal: request.signal === undefined ? late : AbortSignal.any([late, request.signal]),
      ...(request.server.socketPath === undefined ? {} : { unix: request.server.socketPath }),
    });
    const text = await response.text();
    if (!response.ok) throw readFailure(response.status, text);
    return parseAnswer(text);
  } catch (reason) {
    throw toMicroError(reason, request.server);
  }
}

/** The failure that an answer tells of: Micro's JSON body, Connect's, or whatever else stands there. */
export function readFailure(status: number, text: string): MicroError {
  const value = tryParse(text);
  const own = MicroError.parse(value);
  if (own !== undefined) return own;
  if (isRecord(value) && typeof value["code"] === "string") return readConnectError(value);
  const detail = `the server answered with HTTP status ${status}, which is not an answer of micro`;
  return new MicroError(status < 400 ? "bad_gateway" : codeFromHttp(status), detail, { httpStatus: status });
}

/** Connect's form of an error, `{code, message}`. */
export function readConnectError(value: Readonly<Record<string, unknown>>): MicroError {
  const message = typeof value["message"] === "string" ? value["message"] : "";
  const own = MicroError.parse(message);
  if (own !== undefined) return own;
  return new MicroError(connectCodes.get(String(value["code"])) ?? "internal", message);
}

/** What `fetch` throws, as the one error type. */
export function toMicroError(reason: unknown, { address }: ServerUrl): MicroError {
  if (MicroError.is(reason)) return reason;
  const code = reason instanceof Error && "code" in reason ? String(reason.code) : "";
  const tlsFailure = findTlsFailure(code, address, reason);
  if (tlsFailure !== undefined) return tlsFailure;
  if (unreachableCodes.has(code)) {
    return new MicroError("unavailable", "the server cannot be reached", { neverSent: true, cause: reason });
  }
  if (code === "ECONNRESET" || code === "ConnectionClosed") {
    return new MicroError("unavailable", "the server closed the connection before it answered", { cause: reason });
  }
  return MicroError.from(reason, {
    code: "unavailable",
    detail: reason instanceof Error ? reason.message : String(reason),
  });
}

const unreachableCodes: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ConnectionRefused",
  "ENOTFOUND",
  "FailedToOpenSocket",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
]);

const connectCodes: ReadonlyMap<string, MicroError["code"]> = new Map<string, MicroError["code"]>([
  ["canceled", "cancelled"],
  ["unknown", "internal"],
  ["invalid_argument", "invalid_argument"],
  ["deadline_exceeded", "timeout"],
  ["not_found", "not_found"],
  ["already_exists", "conflict"],
  ["permission_denied", "permission_denied"],
  ["resource_exhausted", "too_many_requests"],
  ["failed_precondition", "failed_precondition"],
  ["aborted", "conflict"],
  ["out_of_range", "invalid_argument"],
  ["unimplemented", "unimplemented"],
  ["internal", "internal"],
  ["unavailable", "unavailable"],
  ["data_loss", "internal"],
  ["unauthenticated", "unauthenticated"],
]);

/** @throws MicroError `bad_gateway` for an answer that is no JSON. */
export function parseAnswer(text: string): unknown {
  if (text === "") return {};
  const value = tryParse(text);
  if (value !== undefined) return value;
  throw new MicroError("bad_gateway", "the server answered with something that is not JSON");
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
