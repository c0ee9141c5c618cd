import { MicroError } from "#base/error.ts";
import type { CancelSignal, HttpClient, HttpResult, HttpSend } from "#rpc/http-client.ts";
import type { SocketConnection } from "./socket-connection.ts";
import { Http1Exchange } from "./http1-exchange.ts";
import { Http1Pool } from "./http1-pool.ts";
import { Http1RequestWriter } from "./http1-request.ts";
import { StreamedAnswer } from "./streamed-answer.ts";
import { WholeAnswer } from "./whole-answer.ts";

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
  readonly #writer = new Http1RequestWriter();

  /** Not an async function: most calls find a connection at hand, and then their request leaves at once. */
  post(address: string, send: HttpSend<Uint8Array>): Promise<HttpResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      const { signal } = send;
      assertNotAborted(signal);
      const request = this.#writer.write(send, address, send.body);
      const answer = new WholeAnswer(resolve, reject);
      const begin = (connection: SocketConnection): void => {
        new Http1Exchange(this.#pool, { connection, signal }, answer).end(request);
      };
      const kept = this.#pool.take(address);
      if (kept !== undefined) begin(kept);
      else this.#pool.acquire(address, signal).then(begin).catch(reject);
    });
  }

  async postStream(
    address: string,
    send: HttpSend<AsyncIterable<Uint8Array>>,
  ): Promise<HttpResult<AsyncIterable<Uint8Array>>> {
    const { signal } = send;
    assertNotAborted(signal);
    const head = this.#writer.writeHead(send, address);
    const connection = await this.#pool.acquire(address, signal);
    const source = send.body[Symbol.asyncIterator]();
    return new Promise((resolve, reject) => {
      // Not awaited: a source that waits for its next part ends in its own time.
      const leaveSource = (): void => void source.return?.().catch(() => undefined);
      const answer = new StreamedAnswer(resolve, reject, leaveSource);
      const exchange = new Http1Exchange(this.#pool, { connection, signal }, answer);
      answer.follow(exchange);
      sendParts(exchange, head, source).catch((reason: unknown) => exchange.abort(MicroError.from(reason)));
    });
  }

  close(): Promise<void> {
    this.#pool.close();
    return Promise.resolve();
  }
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
