import { codeFromHttp, errorCodes, type ErrorCode } from "./error-code.ts";

const mark = Symbol.for("micro.error");

/** What an error looks like on the wire: the JSON object that Micro clients of every language read. */
export interface ErrorBody {
  /** Who says so: a service or `service.Endpoint`. */
  readonly id: string;
  /** HTTP status. */
  readonly code: number;
  /** One sentence for a person: what, where, what would be right. */
  readonly detail: string;
  /** HTTP reason phrase of `code`. */
  readonly status: string;
}

export interface MicroErrorOptions {
  /** Who reports it; a service name or `service.Endpoint`. Empty lets the edge that sends it fill in its own. */
  readonly at?: string;
  /** The HTTP status where a peer sent one outside the catalogue. Default: the status of `code`. */
  readonly httpStatus?: number;
  /** The failure behind this one: logged here, never sent to a peer. */
  readonly cause?: unknown;
  /** True when the request provably never reached a handler, so that it may be sent elsewhere. Default false. */
  readonly neverSent?: boolean;
}

/**
 * The one error type: thrown by every layer, sent by every edge, understood by every client.
 *
 * `instanceof` is avoided across package copies: use {@link MicroError.is}.
 */
export class MicroError extends Error {
  override readonly name = "MicroError";
  readonly code: ErrorCode;
  readonly id: string;
  readonly httpStatus: number;
  readonly neverSent: boolean;
  readonly [mark] = true;

  constructor(code: ErrorCode, detail: string, options: MicroErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.id = options.at ?? "";
    this.httpStatus = options.httpStatus ?? errorCodes[code].http;
    this.neverSent = options.neverSent ?? false;
  }

  /** The sentence for a person. */
  get detail(): string {
    return this.message;
  }

  /** True for any MicroError, also one of another copy of this package. */
  static is(value: unknown): value is MicroError {
    return typeof value === "object" && value !== null && mark in value;
  }

  /**
   * Anything that was caught, as a MicroError: itself when it is one; `cancelled` for an AbortError, `timeout` for a
   * TimeoutError; everything else becomes `fallback` (default `internal`) with the original as cause.
   */
  static from(reason: unknown, fallback: { code?: ErrorCode; detail?: string; at?: string } = {}): MicroError {
    if (MicroError.is(reason)) return reason;
    const at = fallback.at === undefined ? {} : { at: fallback.at };
    if (reason instanceof Error && reason.name === "TimeoutError") {
      return new MicroError("timeout", fallback.detail ?? "context deadline exceeded", { ...at, cause: reason });
    }
    if (reason instanceof Error && reason.name === "AbortError") {
      return new MicroError("cancelled", fallback.detail ?? "the call was cancelled", { ...at, cause: reason });
    }
    const detail = fallback.detail ?? (reason instanceof Error ? reason.message : describe(reason));
    return new MicroError(fallback.code ?? "internal", detail, { ...at, cause: reason });
  }

  /** An error object as it came from a peer, or undefined when `value` is not one. */
  static parse(value: unknown): MicroError | undefined {
    const body = typeof value === "string" ? parseJson(value) : value;
    if (typeof body !== "object" || body === null) return undefined;
    const { id, code, detail } = body as Record<string, unknown>;
    if (typeof code !== "number" || !Number.isInteger(code) || code <= 0) return undefined;
    const text = typeof detail === "string" ? detail : "";
    return new MicroError(codeFromHttp(code), text, { at: typeof id === "string" ? id : "", httpStatus: code });
  }

  /** The wire form; `at` names the sender where the error itself does not. */
  toBody(at = ""): ErrorBody {
    const entry = errorCodes[this.code];
    const status = entry.http === this.httpStatus ? entry.status : "";
    return { id: this.id === "" ? at : this.id, code: this.httpStatus, detail: this.message, status };
  }

  toJSON(): ErrorBody {
    return this.toBody();
  }
}

/** Something that was thrown and is no Error, in words; also when it cannot be turned into text. */
function describe(reason: unknown): string {
  try {
    return String(reason);
  } catch {
    return "an unknown failure";
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
