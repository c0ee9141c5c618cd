import { MicroError } from "#base/error.ts";
import { fromConnectionFailure } from "#rpc/connection-error.ts";
import type { CancelSignal } from "#rpc/http-client.ts";
import { Http1ResponseParser, type Http1Head } from "#rpc/http1-response.ts";
import type { Http1Connection } from "./http1-connection.ts";

export interface Http1ExchangeEvents {
  head(head: Http1Head): void;
  body(part: Uint8Array): void;
  /**
   * The end, once. @param failure absent: the answer is complete. @param isClean whether the connection may carry
   * another exchange.
   */
  ended(failure: MicroError | undefined, isClean: boolean): void;
}

/** One request and its answer on a connection. */
export class Http1Exchange {
  readonly #connection: Http1Connection;
  readonly #events: Http1ExchangeEvents;
  readonly #parser: Http1ResponseParser;
  #isRequestComplete = false;
  #isOver = false;
  #onDrain: (() => void) | undefined;

  constructor(connection: Http1Connection, events: Http1ExchangeEvents) {
    this.#connection = connection;
    this.#events = events;
    this.#parser = new Http1ResponseParser({
      head: (head) => events.head(head),
      body: (part) => events.body(part),
      // An answer before the end of the request leaves half a request on the connection.
      end: (canReuse) => this.#end(undefined, canReuse && this.#isRequestComplete),
    });
    connection.use({
      data: (bytes) => this.#read(bytes),
      drained: () => this.#drained(),
      closed: (cause) => this.#closed(cause),
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Begins with a connection that may have ended since it was kept, and a signal that may have aborted. */
  start(signal: CancelSignal | undefined): void {
    if (signal?.aborted === true) this.abort(signal.reason);
    else if (this.#connection.isClosed) this.#closed(undefined);
  }

  /** Sends a part of the request. Resolves when more may be sent, at once where nothing waits. */
  write(bytes: Uint8Array): void | Promise<void> {
    if (this.#isOver || this.#connection.write(bytes)) return;
    return new Promise((resolve) => {
      this.#onDrain = resolve;
    });
  }

  /** Sends the last part of the request. */
  end(bytes: Uint8Array): void {
    this.#isRequestComplete = true;
    if (!this.#isOver) this.#connection.write(bytes);
  }

  /** Gives the exchange up; the connection is closed. */
  abort(reason: unknown): void {
    this.#end(MicroError.from(reason, { code: "cancelled" }), false);
  }

  #read(bytes: Buffer): void {
    try {
      this.#parser.push(bytes);
    } catch (reason) {
      this.#end(MicroError.from(reason), false);
    }
  }

  #closed(cause: unknown): void {
    try {
      this.#parser.finish();
    } catch {
      const isSent = this.#connection.sentBytes > 0;
      this.#end(fromConnectionFailure(this.#connection.address, cause ?? { code: "ECONNRESET" }, isSent), false);
    }
  }

  #end(failure: MicroError | undefined, isClean: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#drained();
    this.#events.ended(failure, isClean);
  }

  #drained(): void {
    const resume = this.#onDrain;
    this.#onDrain = undefined;
    resume?.();
  }
}
