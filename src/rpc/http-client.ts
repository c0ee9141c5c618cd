/** Headers of an answer, by lower-case name. */
export interface HttpHeaders {
  get(name: string): string | null;
}

export interface HttpResult<B> {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: B;
}

export interface HttpSend<B> {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: B;
  readonly signal?: AbortSignal;
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
