import { AsyncQueue } from "#base/async-queue.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { CancelSignal, HttpClient, HttpHeaders, HttpResult, HttpSend } from "#rpc/http-client.ts";
import type { Http1Head } from "#rpc/http1-response.ts";
import type { Http1Connection } from "./http1-connection.ts";
import { Http1Exchange } from "./http1-exchange.ts";
import { Http1Pool } from "./http1-pool.ts";
import { formatRequestHead } from "./http1-request.ts";

/**
 * HTTP/1.1 over Bun's sockets.
 *
 * Not over its `fetch`: that carries 256 exchanges of the whole process at once, so that one service that hangs would
 * stop the calls to all, and it sends calls to this machine through `HTTP_PROXY` where that is set.
 */
export function createHttpClient(): HttpClient {
  return new SocketHttpClient();
}

class SocketHttpClient implements HttpClient {
  readonly #pool = new Http1Pool();

  async post(address: string, send: HttpSend<Uint8Array>): Promise<HttpResult<Uint8Array>> {
    assertNotAborted(send.signal);
    const head = formatRequestHead(send, { address, bodyBytes: send.body.byteLength });
    const connection = await this.#pool.acquire(address, send.signal);
    return new Promise((resolve, reject) => {
      const parts: Uint8Array[] = [];
      let bodyBytes = 0;
      let answer: Http1Head | undefined;
      const exchange = this.#prepare(connection, send.signal, {
        head: (received) => {
          answer = received;
        },
        body: (part) => {
          bodyBytes += part.byteLength;
          if (bodyBytes > limits.messageBytesMax) throw answerTooLarge();
          parts.push(part);
        },
        ended: (failure) => {
          if (failure !== undefined) reject(failure);
          else resolve({ status: answer?.status ?? 0, headers: toHeaders(answer), body: join(parts) });
        },
      });
      exchange.start(send.signal);
      exchange.end(Buffer.concat([head, send.body]));
    });
  }

  async postStream(
    address: string,
    send: HttpSend<AsyncIterable<Uint8Array>>,
  ): Promise<HttpResult<AsyncIterable<Uint8Array>>> {
    assertNotAborted(send.signal);
    const head = formatRequestHead(send, { address });
    const connection = await this.#pool.acquire(address, send.signal);
    const source = send.body[Symbol.asyncIterator]();
    return new Promise((resolve, reject) => {
      // The queue has no brim of its own, because bytes that have arrived cannot be refused: its size holds the peer back.
      const body = new AsyncQueue<Uint8Array>(Number.POSITIVE_INFINITY, () => exchange.abort(leftEarly()));
      const exchange = this.#prepare(connection, send.signal, {
        head: (answer) => resolve({ status: answer.status, headers: toHeaders(answer), body }),
        body: (part) => {
          body.push(part);
          if (body.size < limits.streamQueueCountMax) return;
          connection.pause();
          body.onceDrained(() => connection.resume());
        },
        ended: (failure) => {
          connection.resume();
          body.close(failure);
          // Without effect where the answer has begun; its reader gets the failure then.
          if (failure !== undefined) reject(failure);
          // Not awaited: a source that waits for its next part ends in its own time.
          source.return?.().catch(() => undefined);
        },
      });
      exchange.start(send.signal);
      sendParts(exchange, head, source).catch((reason: unknown) => exchange.abort(MicroError.from(reason)));
    });
  }

  close(): Promise<void> {
    this.#pool.close();
    return Promise.resolve();
  }

  /** An exchange that ends with its signal, and gives its connection back. */
  #prepare(connection: Http1Connection, signal: CancelSignal | undefined, events: AnswerEvents): Http1Exchange {
    const onAbort = (): void => exchange.abort(signal?.reason);
    const exchange = new Http1Exchange(connection, {
      head: (head) => events.head(head),
      body: (part) => events.body(part),
      ended: (failure, isClean) => {
        signal?.removeEventListener("abort", onAbort);
        events.ended(failure);
        this.#pool.giveBack(connection, isClean);
      },
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    return exchange;
  }
}

interface AnswerEvents {
  head(head: Http1Head): void;
  body(part: Uint8Array): void;
  ended(failure: MicroError | undefined): void;
}

/** Sends the parts of a body whose length is not known, no faster than the peer takes them. */
async function sendParts(exchange: Http1Exchange, head: Uint8Array, source: AsyncIterator<Uint8Array>): Promise<void> {
  await exchange.write(head);
  for (;;) {
    const next = await source.next();
    if (exchange.isOver) return;
    if (next.done === true) break;
    const { value } = next;
    // A part of no bytes would read as the end of the body.
    if (value.byteLength === 0) continue;
    const size = Buffer.from(`${value.byteLength.toString(16)}\r\n`, "latin1");
    await exchange.write(Buffer.concat([size, value, Buffer.from("\r\n", "latin1")]));
  }
  exchange.end(Buffer.from("0\r\n\r\n", "latin1"));
}

function assertNotAborted(signal: CancelSignal | undefined): void {
  if (signal?.aborted === true) throw MicroError.from(signal.reason, { code: "cancelled" });
}

function toHeaders(head: Http1Head | undefined): HttpHeaders {
  return { get: (name) => head?.headers.get(name.toLowerCase()) ?? null };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}

function leftEarly(): MicroError {
  return new MicroError("cancelled", "the reader left before the end of the answer");
}

function answerTooLarge(): MicroError {
  return new MicroError("payload_too_large", `the answer is above the limit of ${limits.messageBytesMax} bytes`);
}
