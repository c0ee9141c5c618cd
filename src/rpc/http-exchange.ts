import type { Metadata } from "#base/metadata.ts";

/** One HTTP/1.1 request, whichever listener took it. */
export interface HttpRequest {
  readonly method: string;
  /** Path with query, as sent. */
  readonly target: string;
  /** A header by lower-case name. */
  header(name: string): string | undefined;
  /** All headers, keys lower-case. */
  metadata(): Metadata;
  /** The whole body. @throws MicroError `payload_too_large` above `bytesMax`. */
  readBody(bytesMax: number): Promise<Uint8Array>;
  /** The body as it arrives. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborts when the caller leaves. */
  readonly signal: AbortSignal;
  readonly peer: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes at once, or a stream that is written as it comes. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
}

/** Answers requests; what it throws is a bug, because failures are answers too. */
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

/** A listener that stands. */
export interface HttpListener {
  /** `host:port` or `unix:/path`, with the port that was given. */
  readonly address: string;
  /** Refuses new work, waits for the calls in flight at most `drainTimeoutMs`, then closes. */
  stop(drainTimeoutMs: number): Promise<void>;
}

export interface ListenHttpOptions {
  /** `host:port` (port 0: a free one) or `unix:/path`. The socket file is for its owner only. */
  readonly address: string;
  readonly handler: HttpHandler;
  /**
   * Lets several processes listen on the port together; the kernel spreads connections over them. On Bun only.
   * @default false – a second server on a port in use must be told, not take half of the calls.
   */
  readonly isPortShared?: boolean;
}
