import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Metadata } from "#base/metadata.ts";
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
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** Without pseudo headers. */
  metadata(): Metadata {
    const metadata: Record<string, string> = {};
    for (const name of Object.keys(this.#headers)) {
      const value = name.startsWith(":") ? undefined : this.header(name);
      if (value !== undefined) metadata[name] = value;
    }
    return metadata;
  }

  get peer(): string {
    return formatPeer(this.#stream.session?.socket);
  }
}
