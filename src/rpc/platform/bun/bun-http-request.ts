import type { Metadata } from "#base/metadata.ts";
import { joinListed } from "#rpc/header-record.ts";
import type { HttpRequest } from "#rpc/http-exchange.ts";
import { tooLarge } from "#rpc/node-stream.ts";
import { formatPeer } from "#rpc/peer-address.ts";

/** A request of Bun's server. Every part of it is read when it is first asked for, because reading costs. */
export class BunHttpRequest implements HttpRequest {
  readonly #request: Request;
  readonly #server: Bun.Server<undefined>;
  #target: string | undefined;
  #headers: Metadata | undefined;

  constructor(request: Request, server: Bun.Server<undefined>) {
    this.#request = request;
    this.#server = server;
  }

  get method(): string {
    return this.#request.method;
  }

  get target(): string {
    this.#target ??= toTarget(this.#request.url);
    return this.#target;
  }

  header(name: string): string | undefined {
    return this.metadata()[name];
  }

  metadata(): Metadata {
    // All at once costs no more than a few of them one by one.
    this.#headers ??= joinListed(this.#request.headers.toJSON());
    return this.#headers;
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#request.body ?? noChunks();
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  get peer(): string {
    const address = this.#server.requestIP(this.#request);
    return formatPeer(address === null ? undefined : { remoteAddress: address.address, remotePort: address.port });
  }

  readBody(bytesMax: number): Promise<Uint8Array> {
    const announced = this.header("content-length");
    if (announced === undefined) return readChunks(this.body, bytesMax);
    if (Number(announced) > bytesMax) return Promise.reject(tooLarge(bytesMax));
    return this.#request.arrayBuffer().then((buffer) => new Uint8Array(buffer));
  }
}

/** Path and query of an URL as Bun gives it: absolute, or the bare target where the `host` header is unusable. */
function toTarget(url: string): string {
  return url.startsWith("/") ? url : url.slice(url.indexOf("/", "http://".length));
}

/** A body of unknown length. @throws MicroError `payload_too_large` as soon as it is above `bytesMax`. */
async function readChunks(chunks: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > bytesMax) throw tooLarge(bytesMax);
    parts.push(chunk);
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

async function* noChunks(): AsyncGenerator<Uint8Array> {}
