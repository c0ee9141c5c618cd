import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Metadata } from "#base/metadata.ts";
import { readHeader, toMetadata } from "./header-record.ts";
import type { CallSource } from "./incoming-call.ts";
import { formatPeer } from "./peer-address.ts";

/** What a call over HTTP/2 can be asked for. */
export class Http2CallSource implements CallSource {
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#stream = stream;
    this.#headers = headers;
  }

  header(name: string): string | undefined {
    return readHeader(this.#headers, name);
  }

  metadata(): Metadata {
    return toMetadata(this.#headers);
  }

  get peer(): string {
    return formatPeer(this.#stream.session?.socket);
  }
}
