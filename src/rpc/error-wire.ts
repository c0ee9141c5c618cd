import { codeFromGrpc, errorCodes, grpcFromHttp } from "#base/error-code.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { describeForPeer } from "./connection-error.ts";
import { decodeErrorProto, decodeFirstDetail, encodeErrorProto, encodeStatusProto } from "./error-proto.ts";

/** Message and details of a failure that is passed on as it came: all headers together stay within what clients take. */
const peerStatusLengthMax = limits.headerBytesMax / 2;

/** Type of the one detail that an error carries; any other would hide the message from Go clients. */
const detailTypeUrl = "type.googleapis.com/Error";

/** What a call that failed says in its trailers. */
export interface GrpcErrorTrailers {
  readonly "grpc-status": string;
  /** The JSON error body, percent-encoded. */
  readonly "grpc-message": string;
  readonly "grpc-status-details-bin": string;
}

/** An error as gRPC trailers. @param at names the sender where the error itself does not. */
export function toGrpcTrailers(error: MicroError, at: string): GrpcErrorTrailers {
  const body = toErrorBody(error, at);
  const status = toGrpcStatus(error);
  const detail = { typeUrl: detailTypeUrl, value: encodeErrorProto(body) };
  const message = JSON.stringify(body);
  // Clients written in Go take code and message from here and do not look at the trailers again.
  const details = encodeStatusProto({ code: status, message }, detail);
  return {
    "grpc-status": String(status),
    "grpc-message": encodePercent(message),
    "grpc-status-details-bin": encodeBase64(details),
  };
}

/** The failure that trailers (or headers of an answer without a body) tell of; undefined for status 0. */
export function fromGrpcTrailers(get: (name: string) => string | undefined): MicroError | undefined {
  const status = get("grpc-status");
  if (status === "0") return undefined;
  if (status === undefined || !/^\d+$/.test(status)) {
    return new MicroError("bad_gateway", "the answer ended without a grpc-status");
  }
  const text = get("grpc-message");
  const details = get("grpc-status-details-bin");
  const message = decodePercent(text ?? "");
  const error =
    fromDetails(details) ??
    MicroError.parse(message) ??
    new MicroError(codeFromGrpc(Number(status)), message === "" ? `grpc status ${status}` : message);
  return new PeerError(error, {
    "grpc-status": status,
    ...(text === undefined ? {} : { "grpc-message": text }),
    ...(details === undefined ? {} : { "grpc-status-details-bin": details }),
  });
}

/** What a peer said of a failure, to the letter. */
export interface PeerStatus {
  readonly "grpc-status": string;
  readonly "grpc-message"?: string;
  readonly "grpc-status-details-bin"?: string;
}

/** A failure that a peer told over gRPC. Whoever passes it on over gRPC uses the peer's own words. */
class PeerError extends MicroError {
  readonly peerStatus: PeerStatus;

  constructor(error: MicroError, peerStatus: PeerStatus) {
    super(error.code, error.detail, { at: error.id, httpStatus: error.httpStatus });
    this.peerStatus = peerStatus;
  }
}

/**
 * How the peer put a failure that came over gRPC; undefined for any other failure, and for one that says more than a header
 * of ours may.
 */
export function readPeerStatus(error: MicroError): PeerStatus | undefined {
  if (!(error instanceof PeerError)) return undefined;
  const { peerStatus } = error;
  const length = (peerStatus["grpc-message"]?.length ?? 0) + (peerStatus["grpc-status-details-bin"]?.length ?? 0);
  return length > peerStatusLengthMax ? undefined : peerStatus;
}

/** The gRPC status number of an error. */
export function toGrpcStatus(error: MicroError): number {
  // The code decides where the HTTP status is the one of the code; a status from outside the catalogue is Unknown.
  return errorCodes[error.code].http === error.httpStatus
    ? errorCodes[error.code].grpc
    : grpcFromHttp(error.httpStatus);
}

/** The body of an HTTP answer that says a failure. Its content type is `application/json`. */
export function toErrorJson(error: MicroError, at: string): Uint8Array {
  return encodeUtf8(JSON.stringify(toErrorBody(error, at)));
}

/** The failure that an HTTP answer tells of, in Micro's form or in Connect's; other bodies are quoted. */
export function fromErrorJson(httpStatus: number, body: Uint8Array): MicroError {
  const text = new TextDecoder().decode(body);
  return (
    MicroError.parse(text) ??
    fromConnectError(parseJson(text)) ??
    new MicroError(codeFromStatus(httpStatus), shorten(text.trim()) || `HTTP status ${httpStatus}`, { httpStatus })
  );
}

/** Connect's form of an error; our own travels in its details, so nothing is lost between us. */
export interface ConnectError {
  readonly code: string;
  readonly message: string;
  readonly details: readonly { readonly type: string; readonly value: string }[];
}

/** An error in Connect's form: the body of a unary answer, or `error` of the last frame of a stream. */
export function toConnectError(error: MicroError, at: string): ConnectError {
  const body = toErrorBody(error, at);
  const value = encodeBase64(encodeErrorProto(body));
  return {
    code: connectCodes[toGrpcStatus(error)] ?? "unknown",
    message: body.detail,
    details: [{ type: "Error", value }],
  };
}

/** An error from Connect's form; undefined when `value` is none. */
export function fromConnectError(value: unknown): MicroError | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { code, message, details } = value as Record<string, unknown>;
  if (typeof code !== "string") return undefined;
  const first: unknown = Array.isArray(details) ? details[0] : undefined;
  if (typeof first === "object" && first !== null && "type" in first && "value" in first && first.type === "Error") {
    const exact = typeof first.value === "string" ? fromErrorMessage(decodeBase64(first.value)) : undefined;
    if (exact !== undefined) return exact;
  }
  return new MicroError(codeFromGrpc(connectCodes.indexOf(code)), typeof message === "string" ? message : code);
}

/** Percent-encoding of `grpc-message`: UTF-8 bytes outside printable ASCII, and `%`. */
export function encodePercent(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text;
  let encoded = "";
  for (const byte of encodeUtf8(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCodePoint(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** The reverse; what is not a valid escape stays as it is, because a message must never be lost over its spelling. */
export function decodePercent(text: string): string {
  if (!text.includes("%")) return text;
  const bytes = encodeUtf8(text);
  const decoded = new Uint8Array(bytes.byteLength);
  let length = 0;
  for (let index = 0; index < bytes.byteLength; index += 1, length += 1) {
    const byte = bytes[index] ?? 0;
    const escaped = byte === 0x25 ? hexByte(bytes[index + 1], bytes[index + 2]) : undefined;
    decoded[length] = escaped ?? byte;
    if (escaped !== undefined) index += 2;
  }
  return new TextDecoder().decode(decoded.subarray(0, length));
}

/** Names of Connect by gRPC status number. */
const connectCodes: readonly string[] = [
  "ok",
  "canceled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
];

function toErrorBody(error: MicroError, at: string): { id: string; code: number; detail: string; status: string } {
  const own = error.toBody(at);
  const body = { ...own, detail: describeForPeer(error) ?? own.detail };
  return { ...body, detail: shorten(body.detail) };
}

/** Cut to the limit in bytes, at the end of a character. */
function shorten(text: string): string {
  // No character of a string takes more than three bytes, so most texts need not be measured.
  if (text.length * 3 <= limits.errorDetailBytesMax) return text;
  const cut = new TextEncoder().encodeInto(text, new Uint8Array(limits.errorDetailBytesMax)).read;
  return cut === text.length ? text : `${text.slice(0, cut)}…`;
}

function codeFromStatus(httpStatus: number): MicroError["code"] {
  // An answer that is not one of our errors comes from something in between or from no service of ours.
  return MicroError.parse({ code: httpStatus })?.code ?? "bad_gateway";
}

function fromDetails(encoded: string | undefined): MicroError | undefined {
  const detail = encoded === undefined ? undefined : decodeFirstDetail(decodeBase64(encoded));
  return detail?.typeUrl === detailTypeUrl ? fromErrorMessage(detail.value) : undefined;
}

function fromErrorMessage(bytes: Uint8Array): MicroError | undefined {
  return MicroError.parse(decodeErrorProto(bytes));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function hexByte(high: number | undefined, low: number | undefined): number | undefined {
  const digits = String.fromCodePoint(high ?? 0, low ?? 0);
  return /^[0-9A-Fa-f]{2}$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
}

function encodeUtf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Without padding, as gRPC and Connect ask for; readers accept both. */
function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}

function decodeBase64(text: string): Uint8Array {
  return Buffer.from(text, "base64");
}
