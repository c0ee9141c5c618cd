import type { IncomingMessage, ServerResponse } from "node:http";
import type { Metadata } from "#base/metadata.ts";
import { readHeader, toMetadata } from "./header-record.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "./http-exchange.ts";
import { readAll, writeBody } from "./node-stream.ts";
import { formatPeer } from "./peer-address.ts";

/** Answers one request of a `node:http` server. @param isLast closes the connection after the answer. */
export async function answerNodeRequest(
  handler: HttpHandler,
  { message, response, isLast }: { message: IncomingMessage; response: ServerResponse; isLast: boolean },
): Promise<void> {
  const { status, headers, body } = await handler(new NodeHttpRequest(message, response));
  if (response.destroyed || response.closed) return;
  if (isLast) response.setHeader("connection", "close");
  if (body instanceof Uint8Array) {
    writeWhole(message, response, { status, headers, body });
    // What the handler left unread must flow off, or the next request of the connection never comes.
    if (!message.readableEnded) message.resume();
    return;
  }
  response.writeHead(status, headers);
  await writeBody(response, body);
  if (!message.readableEnded) message.resume();
}

/** Head and body in one piece: apart they are two packets, which cost a small answer a third of its time. */
function writeWhole(
  { socket }: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Omit<HttpResponse, "body"> & { readonly body: Uint8Array },
): void {
  const isSmall = body.byteLength <= joinedBytesMax;
  if (isSmall) socket.cork();
  try {
    response.writeHead(status, { ...headers, "content-length": body.byteLength });
    response.end(body);
  } finally {
    if (isSmall) socket.uncork();
  }
}

/** A body up to this size is copied behind its head, which costs less than a write of its own. */
const joinedBytesMax = 64 * 1024;

class NodeHttpRequest implements HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  #signal: AbortSignal | undefined;

  constructor(message: IncomingMessage, response: ServerResponse) {
    this.method = message.method ?? "GET";
    this.target = toOriginForm(message.url ?? "/");
    this.#message = message;
    this.#response = response;
  }

  /** Who leaves the body early leaves the connection alone: the answer still has to go over it. */
  get body(): AsyncIterable<Uint8Array> {
    return this.#message.iterator({ destroyOnReturn: false });
  }

  header(name: string): string | undefined {
    return readHeader(this.#message.headers, name);
  }

  metadata(): Metadata {
    return toMetadata(this.#message.headers);
  }

  get peer(): string {
    return formatPeer(this.#message.socket);
  }

  get signal(): AbortSignal {
    if (this.#signal !== undefined) return this.#signal;
    const controller = new AbortController();
    this.#signal = controller.signal;
    const response = this.#response;
    if (response.destroyed) controller.abort();
    else {
      response.once("close", () => {
        if (!response.writableFinished) controller.abort();
      });
    }
    return controller.signal;
  }

  readBody(bytesMax: number): Promise<Uint8Array> {
    return readAll(this.#message, bytesMax, this.header("content-length"));
  }
}

/** A target in absolute form (`http://host/path`), as proxies get it, without scheme and host. */
function toOriginForm(target: string): string {
  if (target.startsWith("/")) return target;
  const slash = target.indexOf("/", target.indexOf("//") + 2);
  return slash === -1 ? "/" : target.slice(slash);
}
