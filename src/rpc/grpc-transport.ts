import type { ClientHttp2Stream } from "node:http2";
import { AsyncQueue } from "#base/async-queue.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { connectBytes } from "#platform/connect-bytes.ts";
import { drained } from "./drained.ts";
import { GrpcCall } from "./grpc-call.ts";
import { encodeFrame } from "./grpc-frame.ts";
import { GrpcHeaders } from "./grpc-headers.ts";
import { GrpcUnaryCall, type AnswerPromise, type GrpcUnaryDeps } from "./grpc-unary-call.ts";
import { Http2Connection } from "./http2/http2-connection.ts";
import { Http2Pool, type Http2PoolOptions } from "./http2-pool.ts";
import { Http2Session } from "./http2-session.ts";
import type { OutgoingCall, OutgoingUnaryCall, Transport } from "./transport.ts";

/** Calls as gRPC over HTTP/2 in cleartext: every kind, to any server that speaks it. */
export class GrpcTransport implements Transport {
  readonly #pool: Http2Pool<Http2Session>;
  /** The short way for calls of one message, where the platform has it. */
  readonly #unary: GrpcUnaryDeps | undefined;

  constructor(options: Http2PoolOptions = {}) {
    this.#pool = new Http2Pool((session) => new Http2Session(session), options);
    if (connectBytes === undefined) return;
    const connect = connectBytes;
    const pool = new Http2Pool<Http2Connection>((session) => new Http2Connection(connect, session), options);
    this.#unary = { pool, headers: new GrpcHeaders() };
  }

  unary(address: string, call: OutgoingUnaryCall, message: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#unary === undefined) this.#exchangeOne(address, call, { message, resolve, reject });
      else new GrpcUnaryCall(call, { resolve, reject }).start(this.#unary, address, message);
    });
  }

  /** The call begins when the result is first read. */
  stream(address: string, call: OutgoingCall, messages: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    return { [Symbol.asyncIterator]: () => this.#exchange(address, call, messages) };
  }

  close(): Promise<void> {
    this.#pool.close();
    this.#unary?.pool.close();
    return Promise.resolve();
  }

  #exchangeOne(
    address: string,
    call: OutgoingUnaryCall,
    { message, resolve, reject }: AnswerPromise & { readonly message: Uint8Array },
  ): void {
    let answer: Uint8Array | undefined;
    const exchange = new GrpcCall(call, {
      opened: (stream) => stream.end(encodeFrame(message)),
      onMessage: (received) => {
        if (answer !== undefined) throw new MicroError("bad_gateway", "the answer has more than one message");
        answer = received;
      },
      ended: (failure) => {
        if (failure !== undefined) reject(failure);
        else if (answer === undefined) reject(new MicroError("bad_gateway", "the answer has no message"));
        else resolve(answer);
      },
    });
    exchange.start(this.#pool, address);
  }

  #exchange(address: string, call: OutgoingCall, messages: AsyncIterable<Uint8Array>): AsyncQueue<Uint8Array> {
    let open: ClientHttp2Stream | undefined;
    const source = messages[Symbol.asyncIterator]();
    // The queue has no brim of its own, because one chunk of bytes may hold many messages: its size pauses the stream.
    const answers = new AsyncQueue<Uint8Array>(Number.POSITIVE_INFINITY, () => exchange.cancel());
    const exchange = new GrpcCall(call, {
      opened: (stream) => {
        open = stream;
        sendMessages(stream, source, exchange).catch((reason: unknown) => exchange.cancel(reason));
      },
      onMessage: (received) => {
        answers.push(received);
        if (answers.size < limits.streamQueueCountMax || open === undefined) return;
        open.pause();
        answers.onceDrained(() => open?.resume());
      },
      ended: (failure) => {
        answers.close(failure);
        // Not awaited: a source that waits for its next message ends in its own time.
        if (open !== undefined) source.return?.().catch(() => undefined);
      },
    });
    exchange.start(this.#pool, address);
    return answers;
  }
}

/** Sends every message of the source, no faster than the peer takes them, then closes our side. */
async function sendMessages(
  stream: ClientHttp2Stream,
  source: AsyncIterator<Uint8Array>,
  exchange: GrpcCall,
): Promise<void> {
  for (;;) {
    const next = await source.next();
    if (exchange.isOver) return;
    if (next.done === true) break;
    if (!stream.write(encodeFrame(next.value))) await drained(stream);
  }
  stream.end();
}
