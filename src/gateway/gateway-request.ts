import { MicroError } from "#base/error.ts";
import type { Metadata } from "#base/metadata.ts";
import type { CallSource } from "#rpc/incoming-call.ts";
import { readCookieToken } from "./cookie-token.ts";
import { mayUseCookie, type CorsOptions } from "./cors.ts";

/** What the server knows about a request beside the request. */
export interface RequestHost {
  requestIP(request: Request): { readonly address: string; readonly port: number } | null;
  /** Closes the connection after so many seconds without a byte; 0 never does. */
  timeout(request: Request, seconds: number): void;
}

/** An HTTP request as the source of a call. */
export class GatewayRequest implements CallSource {
  readonly #request: Request;
  readonly #host: RequestHost;
  readonly #cors: CorsOptions;

  constructor(request: Request, host: RequestHost, cors: CorsOptions) {
    this.#request = request;
    this.#host = host;
    this.#cors = cors;
  }

  get peer(): string {
    const address = this.#host.requestIP(this.#request);
    return address === null ? "" : `${address.address}:${address.port}`;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined;
  }

  /** All headers, with the token of the cookie where there is no other; what travels on is decided on the way out. */
  metadata(): Metadata {
    const headers: Record<string, string> = this.#request.headers.toJSON();
    if (headers["authorization"] === undefined && headers["cookie"] !== undefined) {
      const token = readCookieToken(headers["cookie"]);
      if (token !== undefined && mayUseCookie((name) => headers[name], this.#cors)) {
        headers["authorization"] = `Bearer ${token}`;
      }
    }
    return headers;
  }

  /** The whole body. @throws MicroError `payload_too_large` above `bytesMax`, `cancelled` when the caller left. */
  async readBody(bytesMax: number): Promise<Uint8Array> {
    const length = this.header("content-length");
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

function tooLarge(bytesMax: number): MicroError {
  return new MicroError("payload_too_large", `the body is larger than ${bytesMax} bytes`);
}
