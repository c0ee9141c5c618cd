import type { Logger } from "#base/logger.ts";
import type { RequestTrace } from "./request-trace.ts";

export const accessLogModes = ["off", "errors", "all"] as const;

/**
 * Which requests get a line in the log: none, those that failed for a reason of the server or of a service (status 500 and
 * above), or all. What callers do wrong is no failure: anybody could fill the log with it.
 */
export type AccessLogMode = (typeof accessLogModes)[number];

/** A request that was answered. */
export interface AnsweredRequest {
  readonly trace: RequestTrace;
  readonly method: string;
  /** Without the query, whose values may be anybody's secrets. */
  readonly path: string;
  readonly status: number;
  /** Of the body, before compression; absent where nobody counted them. */
  readonly bytes: number | undefined;
  /** Address of the caller; empty when it is not known any more. */
  readonly peer: string;
}

/** A path that is longer is cut in the log. */
const pathLengthMax = 200;

/** One line a request. Never tokens, never values of a query. */
export class AccessLog {
  readonly #logger: Logger;
  readonly #mode: AccessLogMode;

  constructor(logger: Logger, mode: AccessLogMode) {
    this.#logger = logger;
    this.#mode = mode;
  }

  /** True when bodies have to be counted. */
  get isComplete(): boolean {
    return this.#mode === "all";
  }

  /** True when an answer of this status gets a line. */
  wants(status: number): boolean {
    return this.#mode === "all" || (this.#mode === "errors" && status >= 500);
  }

  write({ trace, method, path, status, bytes, peer }: AnsweredRequest): void {
    this.#logger.info("request", {
      method,
      path: path.length > pathLengthMax ? `${path.slice(0, pathLengthMax)}~` : path,
      status,
      bytes,
      ms: Math.round((performance.now() - trace.startedMs) * 10) / 10,
      account: trace.account?.id,
      address: peer,
      request: trace.id,
    });
  }
}
