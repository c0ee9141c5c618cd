/** Entry point `micro-ts/errors`: the errors that handlers throw and callers get. */
import { MicroError, type MicroErrorOptions } from "#base/error.ts";
import type { ErrorCode } from "#base/error-code.ts";

export { errorCodes } from "#base/error-code.ts";
export type { ErrorCode } from "#base/error-code.ts";
export { MicroError } from "#base/error.ts";
export type { ErrorBody, MicroErrorOptions } from "#base/error.ts";

/** Makes one error. `detail` is one sentence for the caller; the id is filled in with the service that throws it. */
export type ErrorConstructor = (detail: string, options?: MicroErrorOptions) => MicroError;

/** One constructor a status: `throw errors.notFound("no user 42")` answers 404. */
export const errors = {
  /** 400: the request itself is wrong. */
  badRequest: constructorOf("invalid_argument"),
  /** 401: no account, or a bad token. */
  unauthorized: constructorOf("unauthenticated"),
  /** 403: the account may not do this. */
  forbidden: constructorOf("permission_denied"),
  /** 404: the named thing does not exist. */
  notFound: constructorOf("not_found"),
  /** 405: the path exists, this HTTP method does not. */
  methodNotAllowed: constructorOf("method_not_allowed"),
  /** 408: the deadline passed; callers may try again. */
  timeout: constructorOf("timeout"),
  /** 409: it exists already, or somebody else changed it first. */
  conflict: constructorOf("conflict"),
  /** 412: the state that the request assumes is not the state there is. */
  preconditionFailed: constructorOf("failed_precondition"),
  /** 429: wait, then try again. */
  tooManyRequests: constructorOf("too_many_requests"),
  /** 500: an unexpected failure; callers may try again. */
  internal: constructorOf("internal"),
  /** 501: the service does not have this. */
  notImplemented: constructorOf("unimplemented"),
  /** 502: a service behind this one gave an answer that is not one. */
  badGateway: constructorOf("bad_gateway"),
  /** 503: cannot be served now. */
  unavailable: constructorOf("unavailable"),
  /** 504: a service behind this one did not answer in time. */
  gatewayTimeout: constructorOf("gateway_timeout"),
} as const satisfies Record<string, ErrorConstructor>;

function constructorOf(code: ErrorCode): ErrorConstructor {
  return (detail, options) => new MicroError(code, detail, options);
}
