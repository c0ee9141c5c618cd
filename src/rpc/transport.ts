import type { Metadata } from "#base/metadata.ts";
import type { CancelSignal } from "./http-client.ts";
import type { AnswerMetadata, Encoding } from "./server-call.ts";

/** A call on its way out. */
export interface OutgoingCall {
  readonly service: string;
  /** `Type.Method`. */
  readonly endpoint: string;
  readonly encoding: Encoding;
  /** Sent as headers; keys lower-case. */
  readonly metadata: Metadata;
  /** Milliseconds since the epoch. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** Is given the metadata of the answer, where the transport has any. */
  readonly answer?: AnswerMetadata;
}

/** A call of one message. What cancels it may be lighter than an AbortSignal. */
export interface OutgoingUnaryCall extends Omit<OutgoingCall, "signal"> {
  readonly signal?: CancelSignal;
}

/**
 * Carries calls to one address over one encoding. Failures are thrown as MicroError: what the service said, `timeout`,
 * `cancelled`, or `unavailable` with `neverSent` when the call provably did not reach it.
 */
export interface Transport {
  unary(address: string, call: OutgoingUnaryCall, message: Uint8Array): Promise<Uint8Array>;
  /** All kinds of streams. Leaving the result early cancels the call. */
  stream(address: string, call: OutgoingCall, messages: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}
