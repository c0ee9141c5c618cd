import { Agent, request, type ClientRequest, type IncomingMessage } from "node:http";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { fromConnectionFailure } from "#rpc/connection-error.ts";
import { drained } from "#rpc/drained.ts";
import type { CancelSignal, HttpClient, HttpResult, HttpSend } from "#rpc/http-client.ts";
import { parseSocketAddress } from "#rpc/socket-address.ts";

/** HTTP/1.1 over `node:http`, with kept connections for each address. */
export function createHttpClient(): HttpClient {
  return new NodeHttpClient();
}

class NodeHttpClient implements HttpClient {
  readonly #agent = new Agent({ keepAlive: true, scheduling: "lifo", timeout: limits.connectionIdleMs });

  async post(address: string, send: HttpSend<Uint8Array>): Promise<HttpResult<Uint8Array>> {
    const { exchange, answer } = this.#open(address, send, { "content-length": String(send.body.byteLength) });
    exchange.end(send.body);
    const response = await answer;
    const body = await readBody(address, response, send.signal);
    return { status: response.statusCode ?? 0, headers: toHeaders(response), body };
  }

  async postStream(
    address: string,
    send: HttpSend<AsyncIterable<Uint8Array>>,
  ): Promise<HttpResult<AsyncIterable<Uint8Array>>> {
    const { exchange, answer } = this.#open(address, send, {});
    // A failure of the source ends the exchange with that failure, which is what the reader of the answer gets.
    writeChunks(exchange, send.body).catch((reason: unknown) => exchange.destroy(MicroError.from(reason)));
    const response = await answer;
    const body = readChunks(address, response, send.signal);
    return { status: response.statusCode ?? 0, headers: toHeaders(response), body };
  }

  close(): Promise<void> {
    this.#agent.destroy();
    return Promise.resolve();
  }

  #open(
    address: string,
    send: HttpSend<unknown>,
    headers: Record<string, string>,
  ): { exchange: ClientRequest; answer: Promise<IncomingMessage> } {
    const target = parseSocketAddress(address);
    const exchange = request({
      agent: this.#agent,
      method: send.method ?? "POST",
      path: send.path,
      headers: { ...send.headers, ...headers },
      ...(target.kind === "unix" ? { socketPath: target.path } : { host: target.host, port: target.port }),
    });
    endWithSignal(exchange, send.signal);
    exchange.once("socket", (socket) => socket.setNoDelay(true));
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      exchange.once("response", resolve);
      exchange.on("error", (reason) => reject(explain(address, reason, { signal: send.signal })));
    });
    return { exchange, answer };
  }
}

function endWithSignal(exchange: ClientRequest, signal: CancelSignal | undefined): void {
  if (signal === undefined) return;
  const onAbort = (): void => void exchange.destroy(MicroError.from(signal.reason, { code: "cancelled" }));
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  exchange.once("close", () => signal.removeEventListener("abort", onAbort));
}

/** Writes the source to the end; leaves it when the exchange is over, also while it waits for its next chunk. */
async function writeChunks(exchange: ClientRequest, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const source = chunks[Symbol.asyncIterator]();
  exchange.once("close", () => {
    source.return?.().catch(() => undefined);
  });
  for (;;) {
    const next = await source.next();
    if (next.done === true || exchange.destroyed) break;
    if (!exchange.write(next.value)) await drained(exchange);
  }
  exchange.end();
}

async function readBody(
  address: string,
  response: IncomingMessage,
  signal: CancelSignal | undefined,
): Promise<Uint8Array> {
  const bytesMax = limits.messageBytesMax;
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of readChunks(address, response, signal)) {
    total += chunk.byteLength;
    if (total > bytesMax) {
      throw new MicroError("payload_too_large", `the answer is above the limit of ${bytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}

async function* readChunks(
  address: string,
  response: IncomingMessage,
  signal: CancelSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) yield chunk;
  } catch (reason) {
    throw explain(address, reason, { signal, isSent: true });
  }
}

function toHeaders(response: IncomingMessage): HttpResult<unknown>["headers"] {
  return {
    get: (name) => {
      const value = response.headers[name.toLowerCase()];
      return value === undefined ? null : Array.isArray(value) ? value.join(", ") : value;
    },
  };
}

function explain(
  address: string,
  reason: unknown,
  at: { readonly signal: CancelSignal | undefined; readonly isSent?: boolean },
): MicroError {
  if (MicroError.is(reason)) return reason;
  if (at.signal?.aborted === true) return MicroError.from(at.signal.reason, { code: "cancelled" });
  return fromConnectionFailure(address, reason, at.isSent);
}
