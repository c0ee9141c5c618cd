import { MicroError } from "#base/error.ts";
import type { ByteSocketUser } from "#rpc/byte-socket.ts";
import { fromConnectionFailure } from "#rpc/connection-error.ts";
import type { CancelSignal } from "#rpc/http-client.ts";
import type { Http1Head } from "#rpc/http1-head.ts";
import { Http1ResponseParser, type Http1AnswerListener } from "#rpc/http1-response.ts";
import type { SocketConnection } from "./socket-connection.ts";
import type { Http1Pool } from "./http1-pool.ts";

/** Who reads an answer. */
export interface Http1AnswerReader {
  onHead(head: Http1Head): void;
  onBody(part: Uint8Array): void;
  /** The end, once. @param failure absent: the answer is complete. */
  onEnd(failure: MicroError | undefined): void;
}

/** One request and its answer on a connection of the pool, which gets it back at the end. */
export class Http1Exchange implements ByteSocketUser, Http1AnswerListener {
  readonly #pool: Http1Pool;
  readonly #connection: SocketConnection;
  readonly #signal: CancelSignal | undefined;
  readonly #reader: Http1AnswerReader;
  readonly #parser = new Http1ResponseParser(this);
  readonly #onAbort: (() => void) | undefined;
  #isRequestComplete = false;
  #isPaused = false;
  #isOver = false;
  #onDrain: (() => void) | undefined;

  /** @param place the connection, which may have ended since it was kept, and the signal, which may have aborted. */
  constructor(
    pool: Http1Pool,
    place: { readonly connection: SocketConnection; readonly signal: CancelSignal | undefined },
    reader: Http1AnswerReader,
  ) {
    const { connection, signal } = place;
    this.#pool = pool;
    this.#connection = connection;
    this.#signal = signal;
    this.#reader = reader;
    connection.use(this);
    if (signal !== undefined) {
      this.#onAbort = () => this.abort(signal.reason);
      signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    if (signal?.aborted === true) this.abort(signal.reason);
    else if (connection.isClosed) this.onClose(undefined);
  }

  get isOver(): boolean {
    return this.#isOver;
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

  /** The reader is slow: the peer is held back. */
  pause(): void {
    if (this.#isOver) return;
    this.#isPaused = true;
    this.#connection.pause();
  }

  resume(): void {
    if (this.#isOver) return;
    this.#isPaused = false;
    this.#connection.resume();
  }

  /** Gives the exchange up; the connection is closed. */
  abort(reason: unknown): void {
    this.#finish(MicroError.from(reason, { code: "cancelled" }), false);
  }

  onData(bytes: Buffer): void {
    try {
      this.#parser.push(bytes);
    } catch (reason) {
      this.#finish(MicroError.from(reason), false);
    }
  }

  onDrain(): void {
    const resume = this.#onDrain;
    this.#onDrain = undefined;
    resume?.();
  }

  onClose(cause: unknown): void {
    try {
      this.#parser.finish();
    } catch {
      const isSent = this.#connection.sentBytes > 0;
      this.#finish(fromConnectionFailure(this.#connection.address, cause ?? { code: "ECONNRESET" }, isSent), false);
    }
  }

  onHead(head: Http1Head): void {
    this.#reader.onHead(head);
  }

  onBody(part: Uint8Array): void {
    this.#reader.onBody(part);
  }

  onComplete(canReuse: boolean): void {
    // An answer before the end of the request leaves half a request on the connection.
    this.#finish(undefined, canReuse && this.#isRequestComplete);
  }

  #finish(failure: MicroError | undefined, isClean: boolean): void {
    if (this.#isOver) return;
    // A connection that was held back for this reader is not for the next one.
    if (this.#isPaused) this.resume();
    this.#isOver = true;
    this.onDrain();
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#reader.onEnd(failure);
    this.#pool.giveBack(this.#connection, isClean);
  }
}
