import type { Metadata } from "#base/metadata.ts";
import type { Account } from "#interface/auth.ts";

/** How messages are written: protobuf or JSON. */
export type Encoding = "json" | "proto";

/** Where a caller takes what comes with an answer besides its messages: a server's side of a call has it, and so may a client's. */
export interface AnswerMetadata {
  /** Before the first message; of a stream at once. What comes after the first time is dropped. */
  sendHeaders(headers: Metadata): void;
  /** After the last message, or with the failure. The last ones count. */
  setTrailers(trailers: Metadata): void;
}

/** One call as a server sees it, before and while it is answered. */
export interface ServerCall {
  /** Path of the request, `/service.Type/Method`. */
  readonly path: string;
  /** Service named by the path; empty when it names none (`/Type/Method`). */
  readonly service: string;
  /** `Type.Method`. */
  readonly endpoint: string;
  readonly encoding: Encoding;
  /** Headers of the call, keys lower-case. */
  readonly metadata: Metadata;
  /** Aborts when the caller leaves, the deadline passes or the server stops. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch; absent: the caller set no deadline. */
  readonly deadlineMs: number | undefined;
  /** Address of the caller's side of the connection. */
  readonly peer: string;
  /** Absent where the protocol of the call has no place for such things. */
  readonly answer?: AnswerMetadata;
  /** Who calls; set by the guard. Absent: nobody that we know. */
  account: Account | undefined;
  /** The namespace that the call acts in; set by the guard. */
  namespace: string;
}
