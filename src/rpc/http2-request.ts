import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Metadata } from "#base/metadata.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "./http-exchange.ts";
import { Http2CallSource } from "./http2-call-source.ts";
import { readAll, writeBody } from "./node-stream.ts";

/** Answers a plain HTTP request that came over HTTP/2. */
export async function answerHttp2(
  handler: HttpHandler,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  const request = new Http2Request(stream, headers);
  const response = await handler(request);
  if (stream.destroyed || stream.closed) return;
  const isBodyless = isEmpty(response, request);
  stream.respond({ ":status": response.status, ...response.headers }, { endStream: isBodyless });
  if (!isBodyless) await writeBody(stream, response.body);
  // What the handler left unread of the request is of no use any more.
  stream.resume();
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}

function isEmpty({ body }: HttpResponse, { method }: HttpRequest): boolean {
  return method === "HEAD" || (body instanceof Uint8Array && body.byteLength === 0);
}

class Http2Request implements HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly #source: Http2CallSource;
  readonly #stream: ServerHttp2Stream;
  #signal: AbortSignal | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.method = headers[":method"] ?? "GET";
    this.target = headers[":path"] ?? "/";
    this.#stream = stream;
    this.#source = new Http2CallSource(stream, headers);
  }

  /** Who leaves the body early leaves the stream alone: the answer still has to go over it. */
  get body(): AsyncIterable<Uint8Array> {
    return this.#stream.iterator({ destroyOnReturn: false });
  }

  header(name: string): string | undefined {
    return this.#source.header(name);
  }

  metadata(): Metadata {
    return this.#source.metadata();
  }

  get peer(): string {
    return this.#source.peer;
  }

  get signal(): AbortSignal {
    if (this.#signal !== undefined) return this.#signal;
    const controller = new AbortController();
    this.#signal = controller.signal;
    // A stream that closes after its answer closes too, and then nobody listens any more.
    if (this.#stream.closed) controller.abort();
    else this.#stream.once("close", () => controller.abort());
    return controller.signal;
  }

  readBody(bytesMax: number): Promise<Uint8Array> {
    return readAll(this.#stream, bytesMax, this.header("content-length"));
  }
}
