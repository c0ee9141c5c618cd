import type { Account } from "#interface/auth.ts";
import { requestIdHeader } from "./request-ids.ts";

/** What is learned of a request on its way, for those who look at it before and after it is answered. */
export class RequestTrace {
  readonly id: string;
  /** All headers, keys lower-case, with the name of the request. */
  readonly headers: Record<string, string>;
  /** On the clock of `performance.now()`. */
  readonly startedMs: number;
  /** Who called; absent: nobody that we know, or it did not come to that. */
  account: Account | undefined = undefined;
  /** The answer's body, where it is whole and may be compressed. */
  body: Uint8Array | undefined = undefined;
  /** Bytes of the answer's body before compression, where they are known. */
  bytes: number | undefined = undefined;
  /** True where the body is sent as it comes into being, so that the answer is not over when it begins. */
  isStream = false;
  /** True where the connection is of no use after the answer. */
  mustClose = false;
  /** When the caller may come back, for answers that send him away. */
  retryAfterSeconds: number | undefined = undefined;
  /** True once the answer bears the name of the request. */
  isMarked = false;

  constructor(id: string, headers: Record<string, string>) {
    this.id = id;
    this.headers = headers;
    headers[requestIdHeader] = id;
    this.startedMs = performance.now();
  }

  /** An answer of bytes that are all there. Its headers are given at once, which is cheaper than one by one. */
  answer(body: Uint8Array, contentType: string): Response {
    this.body = body;
    this.bytes = body.byteLength;
    this.isMarked = true;
    return new Response(body, { headers: { "content-type": contentType, [requestIdHeader]: this.id } });
  }
}
