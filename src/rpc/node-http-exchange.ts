import type { IncomingMessage, ServerResponse } from "node:http";
import type { Metadata } from "#base/metadata.ts";
import type { HttpHandler, HttpRequest } from "./http-exchange.ts";
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
  response.writeHead(status, body instanceof Uint8Array ? { ...headers, "content-length": body.byteLength } : headers);
  // What the handler left unread must flow off, or the next request of the connection never comes.
  if (!message.readableEnded && body instanceof Uint8Array) message.resume();
  await writeBody(response, body);
}

class NodeHttpRequest implements HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly body: AsyncIterable<Uint8Array>;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  #signal: AbortSignal | undefined;

  constructor(message: IncomingMessage, response: ServerResponse) {
    this.method = message.method ?? "GET";
    this.target = toOriginForm(message.url ?? "/");
    this.body = message;
    this.#message = message;
    this.#response = response;
  }

  header(name: string): string | undefined {
    const value = this.#message.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  metadata(): Metadata {
    const metadata: Record<string, string> = {};
    for (const name of Object.keys(this.#message.headers)) {
      const value = this.header(name);
      if (value !== undefined) metadata[name] = value;
    }
    return metadata;
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
