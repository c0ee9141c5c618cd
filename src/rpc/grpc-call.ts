import { constants, type ClientHttp2Stream, type OutgoingHttpHeaders } from "node:http2";
import { MicroError } from "#base/error.ts";
import { callCancelled, deadlineExceeded, isTimeUp, remainingMs, watchCallEnd } from "./call-end.ts";
import { toCallHeaders } from "./call-headers.ts";
import { nameService } from "./connection-error.ts";
import { GrpcAnswerReader } from "./grpc-answer-reader.ts";
import { formatGrpcTimeout } from "./grpc-timeout.ts";
import type { Http2Pool } from "./http2-pool.ts";
import type { Http2Session } from "./http2-session.ts";
import { formatRpcPath } from "./rpc-path.ts";
import type { OutgoingUnaryCall } from "./transport.ts";

/** What becomes of a call. */
export interface GrpcCallEvents {
  /** The stream is open: the messages may be sent. */
  opened(stream: ClientHttp2Stream): void;
  onMessage(message: Uint8Array): void;
  /** The end, once; with the failure where the call did not succeed. */
  ended(failure: MicroError | undefined): void;
}

/**
 * One gRPC call on a connection of the pool, from its headers to its trailers.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class GrpcCall {
  readonly #call: OutgoingUnaryCall;
  readonly #events: GrpcCallEvents;
  readonly #reader: GrpcAnswerReader;
  #unwatch: () => void = () => undefined;
  #stream: ClientHttp2Stream | undefined;
  #isOver = false;

  constructor(call: OutgoingUnaryCall, events: GrpcCallEvents) {
    this.#call = call;
    this.#events = events;
    this.#reader = new GrpcAnswerReader(call.answer);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends the headers on a connection of the pool. Failures come as `ended`. */
  start(pool: Http2Pool<Http2Session>, address: string): void {
    try {
      this.#unwatch = watchCallEnd(this.#call, (reason) => this.cancel(reason));
      remainingMs(this.#call);
      const session = pool.acquire(address);
      if (session instanceof Promise)
        session.then(
          (up) => this.#open(up),
          (reason: unknown) => this.#finishUnsent(reason),
        );
      else this.#open(session);
    } catch (reason) {
      this.#finish(reason);
    }
  }

  /** Ends the call from this side; the peer is told. */
  cancel(reason: unknown = callCancelled()): void {
    this.#finish(reason);
  }

  #open(session: Http2Session): void {
    if (this.#isOver) return session.release();
    try {
      const stream = session.request(this.#headers());
      this.#stream = stream;
      this.#watch(session, stream);
      this.#events.opened(stream);
    } catch (reason) {
      if (this.#stream === undefined) session.release();
      this.#finish(reason);
    }
  }

  #headers(): OutgoingHttpHeaders {
    const left = remainingMs(this.#call);
    const headers: OutgoingHttpHeaders = toCallHeaders(this.#call.metadata, left);
    headers[":method"] = "POST";
    headers[":path"] = formatRpcPath(this.#call.service, this.#call.endpoint);
    headers["content-type"] = `application/grpc+${this.#call.encoding}`;
    headers["te"] = "trailers";
    headers["user-agent"] = "micro-ts";
    if (left !== undefined) headers["grpc-timeout"] = formatGrpcTimeout(left);
    return headers;
  }

  #watch(session: Http2Session, stream: ClientHttp2Stream): void {
    let cause: unknown;
    stream.on("response", (headers) => {
      this.#reader.readHeaders({ ...headers, ":status": String(headers[":status"] ?? 0) });
    });
    stream.on("trailers", (trailers) => this.#reader.readTrailers(trailers));
    stream.on("data", (chunk: Buffer) => this.#readChunk(chunk));
    stream.on("end", () => {
      if (this.#reader.isComplete) this.#finish(this.#reader.outcome());
    });
    stream.on("error", (reason: Error) => {
      cause = reason;
    });
    stream.on("close", () => {
      session.release();
      if (this.#isOver) return;
      if (this.#reader.isComplete) return this.#finish(this.#reader.outcome());
      if (isTimeUp(this.#call)) return this.#finish(deadlineExceeded());
      // A lost connection closes its streams before it says that it is lost.
      setImmediate(() => this.#finish(nameService(session.explain(stream, cause), this.#call.service)));
    });
  }

  #readChunk(chunk: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#reader.readBytes(chunk, this.#events);
    } catch (reason) {
      this.#finish(reason);
    }
  }

  #finish(outcome: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unwatch();
    if (this.#stream !== undefined) this.#leave(this.#stream);
    this.#events.ended(outcome === undefined ? undefined : MicroError.from(outcome));
  }

  /** Gives up the stream's place with the peer, which an unfinished side of ours would hold. */
  #leave(stream: ClientHttp2Stream): void {
    if (stream.closed) return;
    stream.resume();
    if (!this.#reader.hasTrailers || stream.writableLength > 0) cutOff(stream);
    else if (!stream.writableEnded) stream.end();
  }

  #finishUnsent(reason: unknown): void {
    this.#finish(nameService(MicroError.from(reason), this.#call.service));
  }
}

/**
 * Resets a stream. Closing it with a code would first end our side of it, and a peer that takes messages would see all of
 * them before it sees the reset: half of what it was to get would look like the whole.
 */
function cutOff(stream: ClientHttp2Stream): void {
  if (stream.writableEnded) stream.close(constants.NGHTTP2_CANCEL);
  else stream.destroy(new DOMException("the call was cancelled", "AbortError"));
}
