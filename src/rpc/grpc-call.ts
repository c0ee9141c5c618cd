import {
  constants,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from "node:http2";
import { MicroError } from "#base/error.ts";
import { toAnswerMetadata } from "./answer-metadata.ts";
import { callCancelled, remainingMs, watchCallEnd } from "./call-end.ts";
import { toCallHeaders } from "./call-headers.ts";
import { nameService } from "./connection-error.ts";
import { fromErrorJson, fromGrpcTrailers } from "./error-wire.ts";
import { frameFlagCompressed, FrameDecoder } from "./grpc-frame.ts";
import { formatGrpcTimeout } from "./grpc-timeout.ts";
import type { Http2Pool } from "./http2-pool.ts";
import type { Http2Session } from "./http2-session.ts";
import { formatRpcPath } from "./rpc-path.ts";
import type { OutgoingUnaryCall } from "./transport.ts";

/** What becomes of a call. */
export interface GrpcCallEvents {
  /** The stream is open: the messages may be sent. */
  opened(stream: ClientHttp2Stream): void;
  message(message: Uint8Array): void;
  /** The end, once; with the failure where the call did not succeed. */
  ended(failure: MicroError | undefined): void;
}

/** Body of an answer that is not gRPC, read to explain it. */
const errorBytesMax = 64 * 1024;

/**
 * One gRPC call on a connection of the pool, from its headers to its trailers.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class GrpcCall {
  readonly #call: OutgoingUnaryCall;
  readonly #events: GrpcCallEvents;
  readonly #decoder = new FrameDecoder();
  #unwatch: () => void = () => undefined;
  #stream: ClientHttp2Stream | undefined;
  #isOver = false;
  /** What a peer that does not speak gRPC answered. */
  #refusal: { readonly status: number; readonly contentType: string; body: Buffer } | undefined;
  /** Undefined until the peer has said how the call ended. */
  #trailers: IncomingHttpHeaders | undefined;

  constructor(call: OutgoingUnaryCall, events: GrpcCallEvents) {
    this.#call = call;
    this.#events = events;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends the headers on a connection of the pool. Failures come as `ended`. */
  start(pool: Http2Pool, address: string): void {
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
    stream.on("response", (headers) => this.#readHeaders(headers));
    stream.on("trailers", (trailers) => {
      this.#trailers = trailers;
      this.#call.answer?.setTrailers(toAnswerMetadata(trailers));
    });
    stream.on("data", (chunk: Buffer) => this.#readChunk(chunk));
    stream.on("end", () => {
      if (this.#trailers !== undefined || this.#refusal !== undefined) this.#finish(this.#outcome());
    });
    stream.on("error", (reason: Error) => {
      cause = reason;
    });
    stream.on("close", () => {
      session.release();
      if (this.#isOver) return;
      if (this.#trailers !== undefined || this.#refusal !== undefined) return this.#finish(this.#outcome());
      // A lost connection closes its streams before it says that it is lost.
      setImmediate(() => this.#finish(nameService(session.explain(stream, cause), this.#call.service)));
    });
  }

  #readHeaders(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    const status = headers[":status"] ?? 0;
    const contentType = headers["content-type"] ?? "";
    if (headers["grpc-status"] !== undefined) {
      this.#trailers = headers;
      // Headers that end the call at once are its trailers.
      this.#call.answer?.setTrailers(toAnswerMetadata(headers));
    } else if (status !== 200 || !contentType.startsWith("application/grpc")) {
      this.#refusal = { status, contentType, body: Buffer.alloc(0) };
    } else this.#call.answer?.sendHeaders(toAnswerMetadata(headers));
  }

  #readChunk(chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#refusal !== undefined) {
      const { body } = this.#refusal;
      if (body.byteLength < errorBytesMax) this.#refusal.body = Buffer.concat([body, chunk]);
      return;
    }
    try {
      for (const frame of this.#decoder.push(chunk)) {
        if ((frame.flags & frameFlagCompressed) !== 0) {
          throw new MicroError("bad_gateway", "the answer is compressed, which was not asked for");
        }
        this.#events.message(frame.message);
      }
    } catch (reason) {
      this.#finish(reason);
    }
  }

  #outcome(): MicroError | undefined {
    const refusal = this.#refusal;
    if (refusal !== undefined) {
      if (refusal.status !== 200) return fromErrorJson(refusal.status, refusal.body);
      return new MicroError("bad_gateway", `the answer is ${refusal.contentType || "of no type"}, not gRPC`);
    }
    const failure = fromGrpcTrailers((name) => toText(this.#trailers?.[name]));
    if (failure !== undefined || this.#decoder.pendingBytes === 0) return failure;
    return new MicroError("bad_gateway", "the answer ended in the middle of a message");
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
    if (this.#trailers === undefined || stream.writableLength > 0) cutOff(stream);
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

function toText(value: string | string[] | undefined): string | undefined {
  return typeof value === "object" ? value.join(", ") : value;
}
