import type { ErrorCode } from "#base/error-code.ts";
import { MicroError, type MicroErrorOptions } from "#base/error.ts";

interface Failure {
  readonly text: string;
  /** True where the failure proves that no connection stood. */
  readonly isUnconnected: boolean;
}

/** By `code` of the errors of Node and of Bun; the names without "E" are those of Bun's older releases. */
const failures: ReadonlyMap<string, Failure> = new Map([
  ["ECONNREFUSED", { text: "connection refused", isUnconnected: true }],
  ["ConnectionRefused", { text: "connection refused", isUnconnected: true }],
  ["ENOENT", { text: "connection refused, no such socket", isUnconnected: true }],
  ["FailedToOpenSocket", { text: "connection refused, no such socket", isUnconnected: true }],
  ["ENOTSOCK", { text: "connection refused, not a socket", isUnconnected: true }],
  ["EACCES", { text: "no permission to connect", isUnconnected: true }],
  ["ENOTFOUND", { text: "no such host", isUnconnected: true }],
  ["EAI_AGAIN", { text: "the host name could not be looked up", isUnconnected: true }],
  ["EHOSTUNREACH", { text: "no route to host", isUnconnected: true }],
  ["ENETUNREACH", { text: "no route to network", isUnconnected: true }],
  ["EMFILE", { text: "this process has too many open files", isUnconnected: true }],
  ["ECONNRESET", { text: "the connection was reset", isUnconnected: false }],
  ["ConnectionClosed", { text: "the connection was reset", isUnconnected: false }],
  ["EPIPE", { text: "the connection was reset", isUnconnected: false }],
  ["ETIMEDOUT", { text: "the connection timed out", isUnconnected: false }],
]);

/** A connection that failed. Its detail says where; what went wrong there is in `failure`. */
class ConnectionError extends MicroError {
  readonly failure: string;

  constructor(code: ErrorCode, detail: string, options: MicroErrorOptions & { readonly failure: string }) {
    super(code, detail, options);
    this.failure = options.failure;
  }
}

/**
 * What a socket's failure says about a call to `address`: `unavailable`, with `neverSent` when no connection stood.
 *
 * @param isSent false where the caller knows that nothing was sent yet. Default: decided by the failure.
 */
export function fromConnectionFailure(address: string, cause: unknown, isSent?: boolean): MicroError {
  const failure = failures.get(codeOf(cause)) ?? { text: "the connection failed", isUnconnected: false };
  const neverSent = isSent === undefined ? failure.isUnconnected : !isSent;
  return connectionFailure("unavailable", address, failure.text, { neverSent, cause });
}

/** A connection to `address` that failed in the way that `failure` says; `bad_gateway` where an answer had begun. */
export function connectionFailure(
  code: "unavailable" | "bad_gateway",
  address: string,
  failure: string,
  options: { readonly neverSent?: boolean; readonly cause?: unknown } = {},
): MicroError {
  return new ConnectionError(code, `${address}: ${failure}`, { ...options, failure });
}

/** True when a call failed because of the connection, and not because of what somebody answered. */
export function isConnectionFailure(error: MicroError): boolean {
  return error instanceof ConnectionError || (error.neverSent && error.code === "unavailable");
}

/** Answers in place of one: the time ran out, or somebody on the way says that the service did not answer. */
const unservedStatuses: ReadonlySet<number> = new Set([408, 502, 503, 504]);

/** True when a node took a call and did not answer it; a refusal with reason is an answer like any other. */
export function isUnserved(error: MicroError): boolean {
  return isConnectionFailure(error) || unservedStatuses.has(error.httpStatus);
}

/**
 * What a peer is told of a connection that failed; undefined for any other error. Where services listen, by address or by
 * folder, is nobody's business but this side's.
 */
export function describeForPeer(error: MicroError): string | undefined {
  return error instanceof ConnectionError ? `the service did not answer: ${error.failure}` : undefined;
}

/** The same failure, with the service that was called in front of the address. */
export function nameService(error: MicroError, service: string): MicroError {
  if (service === "") return error;
  const detail = `${service} at ${error.detail}`;
  const options = { at: service, neverSent: error.neverSent, cause: error.cause };
  if (error instanceof ConnectionError) {
    return new ConnectionError(error.code, detail, { ...options, failure: error.failure });
  }
  return new MicroError(error.code, detail, options);
}

function codeOf(cause: unknown): string {
  return typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : "";
}
