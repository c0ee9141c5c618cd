/**
 * The catalogue of error codes: the one place that says which failures exist, what each means, and how it is spelled
 * on HTTP and on gRPC. A test keeps this table, docs/errors.md and both wire mappings in step.
 */

/** One row of the catalogue. */
export interface ErrorCodeEntry {
  /** HTTP status; also the `code` of an error object on the wire. */
  readonly http: number;
  /** gRPC status code, https://grpc.io/docs/guides/status-codes/. */
  readonly grpc: number;
  /** HTTP reason phrase; the `status` of an error object on the wire. */
  readonly status: string;
  /** What a caller may conclude. */
  readonly meaning: string;
}

export const errorCodes = {
  invalid_argument: {
    http: 400,
    grpc: 3,
    status: "Bad Request",
    meaning: "The request itself is wrong; sending it again will not help.",
  },
  unauthenticated: {
    http: 401,
    grpc: 16,
    status: "Unauthorized",
    meaning: "No account, or a token that is expired or not ours. Log in.",
  },
  permission_denied: { http: 403, grpc: 7, status: "Forbidden", meaning: "The account is known and may not do this." },
  not_found: { http: 404, grpc: 5, status: "Not Found", meaning: "The named thing does not exist in this namespace." },
  method_not_allowed: {
    http: 405,
    grpc: 12,
    status: "Method Not Allowed",
    meaning: "The path exists, this HTTP method does not.",
  },
  timeout: {
    http: 408,
    grpc: 4,
    status: "Request Timeout",
    meaning: "The deadline passed before an answer; the work may have been done.",
  },
  conflict: {
    http: 409,
    grpc: 6,
    status: "Conflict",
    meaning: "It exists already, or somebody else changed it first.",
  },
  failed_precondition: {
    http: 412,
    grpc: 9,
    status: "Precondition Failed",
    meaning: "The state that the request assumes is not the state there is.",
  },
  payload_too_large: {
    http: 413,
    grpc: 8,
    status: "Payload Too Large",
    meaning: "The message is above the stated limit.",
  },
  unsupported_media_type: {
    http: 415,
    grpc: 12,
    status: "Unsupported Media Type",
    meaning: "The content type is not one this endpoint speaks.",
  },
  too_many_requests: {
    http: 429,
    grpc: 8,
    status: "Too Many Requests",
    meaning: "A limit of rate or count was reached; wait, then try again.",
  },
  headers_too_large: {
    http: 431,
    grpc: 8,
    status: "Request Header Fields Too Large",
    meaning: "The headers are above the stated limit.",
  },
  cancelled: { http: 499, grpc: 1, status: "Client Closed Request", meaning: "The caller went away." },
  internal: {
    http: 500,
    grpc: 13,
    status: "Internal Server Error",
    meaning: "A bug or an unexpected failure; the log of the server has the cause.",
  },
  unimplemented: {
    http: 501,
    grpc: 12,
    status: "Not Implemented",
    meaning: "The service does not have this endpoint or feature.",
  },
  bad_gateway: { http: 502, grpc: 14, status: "Bad Gateway", meaning: "A service gave an answer that is not one." },
  unavailable: {
    http: 503,
    grpc: 14,
    status: "Service Unavailable",
    meaning: "The service could not be reached; it did not see the call.",
  },
  gateway_timeout: {
    http: 504,
    grpc: 4,
    status: "Gateway Timeout",
    meaning: "A service behind the gateway did not answer in time.",
  },
} as const satisfies Record<string, ErrorCodeEntry>;

/** Name of a row of the catalogue. */
export type ErrorCode = keyof typeof errorCodes;

const codeByHttp: ReadonlyMap<number, ErrorCode> = new Map(
  (Object.keys(errorCodes) as ErrorCode[]).map((code) => [errorCodes[code].http, code]),
);

/** gRPC status → code, where several HTTP codes share one status the most general is taken. */
const codeByGrpc: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [1, "cancelled"],
  [2, "internal"],
  [3, "invalid_argument"],
  [4, "timeout"],
  [5, "not_found"],
  [6, "conflict"],
  [7, "permission_denied"],
  [8, "too_many_requests"],
  [9, "failed_precondition"],
  [10, "conflict"],
  [11, "invalid_argument"],
  [12, "unimplemented"],
  [13, "internal"],
  [14, "unavailable"],
  [15, "internal"],
  [16, "unauthenticated"],
]);

/** The code of an HTTP status; of a status that is not in the catalogue, the nearest: 4xx `invalid_argument`, else `internal`. */
export function codeFromHttp(status: number): ErrorCode {
  return codeByHttp.get(status) ?? (status >= 400 && status < 500 ? "invalid_argument" : "internal");
}

/** The code of a gRPC status number; unknown numbers count as `internal`. */
export function codeFromGrpc(status: number): ErrorCode {
  return codeByGrpc.get(status) ?? "internal";
}

/** gRPC status of an HTTP status, by wire contract: outside the catalogue it is 2 (Unknown). */
export function grpcFromHttp(status: number): number {
  const code = codeByHttp.get(status);
  return code === undefined ? 2 : errorCodes[code].grpc;
}
