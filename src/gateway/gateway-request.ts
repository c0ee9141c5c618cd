import { MicroError } from "#base/error.ts";
import type { Metadata } from "#base/metadata.ts";
import type { CallSource } from "#rpc/incoming-call.ts";
import { readCookieToken } from "./cookie-token.ts";
import { mayUseCookie, type CorsOptions } from "./cors.ts";
import type { SocketCall } from "./socket-call.ts";

/** What the server knows about a request beside the request. */
export interface RequestHost {
  requestIP(request: Request): { readonly address: string; readonly port: number } | null;
  /** Closes the connection after so many seconds without a byte; 0 never does. */
  timeout(request: Request, seconds: number): void;
  /** Makes the connection a WebSocket that carries the call; false when the request does not ask for one properly. */
  openSocket(request: Request, call: SocketCall, protocol: string | undefined): boolean;
}

/** An HTTP request as the source of a call. */
export class GatewayRequest implements CallSource {
  readonly #request: Request;
  readonly #host: RequestHost;
  /** All headers, with the token of the cookie where there is no other; what travels on is decided on the way out. */
  readonly #headers: Record<string, string>;

  constructor(request: Request, host: RequestHost, cors: CorsOptions) {
    this.#request = request;
    this.#host = host;
    this.#headers = request.headers.toJSON();
    if (this.#headers["cookie"] !== undefined) takeCookieToken(this.#headers, cors);
  }

  get method(): string {
    return this.#request.method;
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
  openSocket(call: SocketCall): void {
    const [protocol] = (this.#headers["sec-websocket-protocol"] ?? "").split(",").map((each) => each.trim());
    if (this.#host.openSocket(this.#request, call, protocol === "" ? undefined : protocol)) return;
    throw new MicroError("invalid_argument", "the request does not ask for a WebSocket as RFC 6455 says");
  }

  /** The connection may be silent for as long as it likes. */
  keepOpen(): void {
    this.#host.timeout(this.#request, 0);
  }

  /** The whole body. @throws MicroError `payload_too_large` above `bytesMax`, `unsupported_media_type` when it is compressed. */
  async readBody(bytesMax: number): Promise<Uint8Array> {
    const compression = this.#headers["content-encoding"] ?? "identity";
    if (compression !== "identity") {
      const shown = JSON.stringify(compression.slice(0, 60));
      throw new MicroError("unsupported_media_type", `compression ${shown} is not spoken here; send the body plain`);
    }
    const length = this.#headers["content-length"];
    if (length === undefined) return this.#collectBody(bytesMax);
    if (Number(length) > bytesMax) throw tooLarge(bytesMax);
    return new Uint8Array(await this.#request.arrayBuffer());
  }

  /** A body whose length nobody said. */
  async #collectBody(bytesMax: number): Promise<Uint8Array> {
    const { body } = this.#request;
    if (body === null) return new Uint8Array(0);
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

function takeCookieToken(headers: Record<string, string>, cors: CorsOptions): void {
  if (headers["authorization"] !== undefined) return;
  const token = readCookieToken(headers["cookie"]);
  if (token !== undefined && mayUseCookie((name) => headers[name], cors)) headers["authorization"] = `Bearer ${token}`;
}

function tooLarge(bytesMax: number): MicroError {
  return new MicroError("payload_too_large", `the body is larger than ${bytesMax} bytes`);
}
