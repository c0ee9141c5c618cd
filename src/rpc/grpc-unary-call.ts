import { MicroError } from "#base/error.ts";
import { deadlineExceeded, isTimeUp, remainingMs, watchCallEnd } from "./call-end.ts";
import { connectionFailure, nameService } from "./connection-error.ts";
import { GrpcAnswerReader } from "./grpc-answer-reader.ts";
import { encodeFrame } from "./grpc-frame.ts";
import type { GrpcHeaders } from "./grpc-headers.ts";
import type { Http2Connection, RequestListener } from "./http2/http2-connection.ts";
import type { Http2Pool } from "./http2-pool.ts";
import type { OutgoingUnaryCall } from "./transport.ts";

/** Who waits for the answer. */
export interface AnswerPromise {
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (failure: MicroError) => void;
}

/** What calls share. */
export interface GrpcUnaryDeps {
  readonly pool: Http2Pool<Http2Connection>;
  readonly headers: GrpcHeaders;
}

/** A gRPC call of one message with one answer, from its headers to its trailers. */
export class GrpcUnaryCall implements RequestListener {
  readonly #call: OutgoingUnaryCall;
  readonly #promise: AnswerPromise;
  readonly #reader: GrpcAnswerReader;
  #unwatch: (() => void) | undefined;
  #connection: Http2Connection | undefined;
  /** Of the stream while it is open. */
  #streamId: number | undefined;
  #hasHeaders = false;
  #isOver = false;
  #answer: Uint8Array | undefined;

  constructor(call: OutgoingUnaryCall, promise: AnswerPromise) {
    this.#call = call;
    this.#promise = promise;
    this.#reader = new GrpcAnswerReader(call.answer);
  }

  /** Sends the call on a connection of the pool. What becomes of it is told to the promise. */
  start({ pool, headers }: GrpcUnaryDeps, address: string, message: Uint8Array): void {
    try {
      remainingMs(this.#call);
      this.#unwatch = watchCallEnd(this.#call, (reason) => this.#end(reason));
      const connection = pool.acquire(address);
      if (connection instanceof Promise) {
        connection.then(
          (up) => this.#send(up, headers, message),
          (reason: unknown) => this.#end(this.#named(MicroError.from(reason))),
        );
      } else this.#send(connection, headers, message);
    } catch (reason) {
      this.#end(reason);
    }
  }

  onHeaders(headers: Readonly<Record<string, string>>, isEnd: boolean): void {
    if (this.#hasHeaders) this.#reader.readTrailers(headers);
    // What comes before an answer says nothing about it.
    else if (isEnd || !isInterim(headers)) {
      this.#hasHeaders = true;
      this.#reader.readHeaders(headers);
    }
    if (isEnd) this.#complete();
  }

  onData(bytes: Buffer, isEnd: boolean): void {
    try {
      this.#reader.readBytes(bytes, this);
    } catch (reason) {
      this.#end(reason);
    }
    if (isEnd) this.#complete();
  }

  onMessage(message: Uint8Array): void {
    if (this.#answer !== undefined) throw new MicroError("bad_gateway", "the answer has more than one message");
    this.#answer = message;
  }

  onLost(failure: MicroError): void {
    this.#streamId = undefined;
    if (this.#reader.isComplete) this.#end(this.#reader.outcome());
    else this.#end(isTimeUp(this.#call) ? deadlineExceeded() : this.#named(failure));
  }

  #send(connection: Http2Connection, headers: GrpcHeaders, message: Uint8Array): void {
    if (this.#isOver) return connection.release();
    this.#connection = connection;
    try {
      const block = headers.encode(this.#call, remainingMs(this.#call));
      this.#streamId = connection.request(block, encodeFrame(message), this);
    } catch (reason) {
      this.#end(reason);
    }
  }

  /** The stream is over, and the peer has said all that it has to say. */
  #complete(): void {
    this.#streamId = undefined;
    this.#end(this.#reader.isComplete ? this.#reader.outcome() : this.#named(this.#brokenOff()));
  }

  /** The end, once. @param outcome why the call failed; undefined where it did not. */
  #end(outcome: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unwatch?.();
    if (this.#streamId !== undefined) this.#connection?.cancel(this.#streamId);
    this.#connection?.release();
    if (outcome !== undefined) this.#promise.reject(MicroError.from(outcome));
    else if (this.#answer !== undefined) this.#promise.resolve(this.#answer);
    else this.#promise.reject(new MicroError("bad_gateway", "the answer has no message"));
  }

  #brokenOff(): MicroError {
    return connectionFailure("bad_gateway", this.#connection?.address ?? "", "the answer broke off before its end");
  }

  #named(failure: MicroError): MicroError {
    return nameService(failure, this.#call.service);
  }
}

function isInterim(headers: Readonly<Record<string, string>>): boolean {
  return headers[":status"]?.startsWith("1") === true;
}
