/** Headers of an answer, by lower-case name. */
export interface HttpHeaders {
  get(name: string): string | null;
}

export interface HttpResult<B> {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: B;
}

/** What ends a request before its answer. Every AbortSignal is one; a hot path may bring something lighter. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  /** True where it aborts at the deadline of its call too, so that nobody else has to watch over that. */
  readonly coversDeadline?: boolean;
  addEventListener(type: "abort", listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface HttpSend<B> {
  /** One that may have a body. @default "POST": every call is one */
  readonly method?: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: B;
  readonly signal?: CancelSignal;
}

/**
 * HTTP/1.1 to one of our listeners: `host:port` or `unix:/path`. Connections are kept and reused.
 *
 * @throws MicroError `unavailable` (with `neverSent` when no connection stood), `cancelled`, `timeout`.
 */
export interface HttpClient {
  post(address: string, send: HttpSend<Uint8Array>): Promise<HttpResult<Uint8Array>>;
  postStream(
    address: string,
    send: HttpSend<AsyncIterable<Uint8Array>>,
  ): Promise<HttpResult<AsyncIterable<Uint8Array>>>;
  close(): Promise<void>;
}
