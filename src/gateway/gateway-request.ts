import { MicroError } from "#base/error.ts";
import { MiB } from "#base/limits.ts";
import type { Metadata } from "#base/metadata.ts";
import type { CallSource } from "#rpc/incoming-call.ts";
import { readCookieToken } from "./cookie-token.ts";
import { decompress } from "./compression.ts";
import { mayUseCookie, type CorsOptions } from "./cors.ts";
import { requestIdHeader } from "./request-ids.ts";
import type { SocketCall } from "./socket-call.ts";

/** What the server knows about a request beside the request. */
export interface RequestHost {
  requestIP(request: Request): { readonly address: string; readonly port: number } | null;
  /** What `timeout` is for a connection of which nobody said anything. */
  readonly idleTimeoutSeconds: number;
  /** Closes the connection after so many seconds without a byte written; 0 never does. */
  timeout(request: Request, seconds: number): void;
  /**
   * Makes the connection a WebSocket that carries the call; false when the request does not ask for one properly.
   *
   * @param headers of the answer.
   * @throws MicroError `unavailable` when there are too many.
   */
  openSocket(request: Request, call: SocketCall, headers: Readonly<Record<string, string>>): boolean;
}

/** Bodies up to here come within the time that a connection has anyway, over any line that works. */
const quickBodyBytesMax = MiB;

/** The most that Bun can count. */
const slowBodySeconds = 255;

/** An HTTP request as the source of a call. */
export class GatewayRequest implements CallSource {
  readonly method: string;
  readonly #request: Request;
  readonly #host: RequestHost;
  /** All headers, with the token of the cookie where there is no other; what travels on is decided on the way out. */
  readonly #headers: Record<string, string>;

  /** @param headers all of the request, keys lower-case; a token of the cookie is put among them. */
  constructor(
    { request, host }: { readonly request: Request; readonly host: RequestHost },
    headers: Record<string, string>,
    cors: CorsOptions,
  ) {
    this.method = request.method;
    this.#request = request;
    this.#host = host;
    this.#headers = headers;
    if (this.#headers["cookie"] !== undefined) takeCookieToken(this.#headers, cors);
  }

  get peer(): string {
    const address = this.#host.requestIP(this.#request);
    return address === null ? "" : `${address.address}:${address.port}`;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  header(name: string): string | undefined {
    return this.#headers[name];
  }

  metadata(): Metadata {
    return this.#headers;
  }

  /** True where the caller says how long he waits. */
  get hasTimeout(): boolean {
    const headers = this.#headers;
    return (
      headers["timeout"] !== undefined ||
      headers["grpc-timeout"] !== undefined ||
      headers["connect-timeout-ms"] !== undefined
    );
  }

  /** True where the caller wants to speak over a WebSocket. */
  get wantsSocket(): boolean {
    return this.#headers["upgrade"]?.toLowerCase() === "websocket";
  }

  /** Becomes a WebSocket, in the first of the protocols that the caller offers. @throws MicroError `invalid_argument` */
  openSocket(call: SocketCall, requestId: string): void {
    const [protocol] = (this.#headers["sec-websocket-protocol"] ?? "").split(",").map((each) => each.trim());
    const headers: Record<string, string> = { [requestIdHeader]: requestId };
    if (protocol !== undefined && protocol !== "") headers["sec-websocket-protocol"] = protocol;
    if (this.#host.openSocket(this.#request, call, headers)) return;
    throw new MicroError("invalid_argument", "the request does not ask for a WebSocket as RFC 6455 says");
  }

  /** The connection may be silent for as long as it likes, until `restoreTimeout`. */
  keepOpen(): void {
    this.#host.timeout(this.#request, 0);
  }

  /** The connection may be silent for as long as any other: what is set stays for its later requests. */
  restoreTimeout(): void {
    this.#host.timeout(this.#request, this.#host.idleTimeoutSeconds);
  }

  /** The connection may take as long as Bun can count, which a large body over a slow line needs. */
  allowSlowBody(): void {
    this.#host.timeout(this.#request, slowBodySeconds);
  }

  /** The body as it arrives; a reader that is slow holds its sender back. */
  get body(): AsyncIterable<Uint8Array> {
    return this.#request.body ?? noPieces();
  }

  /** The compression of the body; undefined for none. */
  get compression(): string | undefined {
    const compression = this.#headers["content-encoding"]?.toLowerCase();
    return compression === "identity" || compression === "" ? undefined : compression;
  }

  /**
   * The whole body, decompressed.
   *
   * @throws MicroError `payload_too_large` above `bytesMax`, `unsupported_media_type` or `invalid_argument` when it is
   * compressed otherwise than it may be or says.
   */
  readBody(bytesMax: number): Promise<Uint8Array> {
    const body = this.#readRaw(bytesMax);
    const { compression } = this;
    return compression === undefined ? body : body.then((bytes) => decompress(bytes, compression, bytesMax));
  }

  #readRaw(bytesMax: number): Promise<Uint8Array> {
    const length = this.#headers["content-length"];
    if (length === undefined) return this.#collectBody(bytesMax);
    const bytes = Number(length);
    if (bytes > bytesMax) return Promise.reject(tooLarge(bytesMax));
    if (bytes > quickBodyBytesMax) this.allowSlowBody();
    return this.#request.arrayBuffer().then((buffer) => new Uint8Array(buffer));
  }

  /** A body whose length nobody said. */
  async #collectBody(bytesMax: number): Promise<Uint8Array> {
    const { body } = this.#request;
    if (body === null) return new Uint8Array(0);
    this.allowSlowBody();
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of body) {
      length += chunk.byteLength;
      if (length > bytesMax) throw tooLarge(bytesMax);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}

async function* noPieces(): AsyncGenerator<Uint8Array> {}

function takeCookieToken(headers: Record<string, string>, cors: CorsOptions): void {
  if (headers["authorization"] !== undefined) return;
  const token = readCookieToken(headers["cookie"]);
  if (token !== undefined && mayUseCookie((name) => headers[name], cors)) headers["authorization"] = `Bearer ${token}`;
}

function tooLarge(bytesMax: number): MicroError {
  return new MicroError("payload_too_large", `the body is larger than ${bytesMax} bytes`);
}
