import { MicroError } from "#base/error.ts";
import { toAnswerMetadata } from "./answer-metadata.ts";
import { fromErrorJson, fromGrpcTrailers } from "./error-wire.ts";
import { frameFlagCompressed, FrameDecoder } from "./grpc-frame.ts";
import { readHeader, type HeaderRecord } from "./header-record.ts";
import type { AnswerMetadata } from "./server-call.ts";

/** Body of an answer that is not gRPC, read to explain it. */
const errorBytesMax = 64 * 1024;

/** Takes the messages of an answer. */
export interface MessageListener {
  onMessage(message: Uint8Array): void;
}

/**
 * Makes messages and an outcome of what a peer answers to a gRPC call, whatever brings its headers, bytes and trailers.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class GrpcAnswerReader {
  readonly #metadata: AnswerMetadata | undefined;
  readonly #decoder = new FrameDecoder();
  /** What a peer that does not speak gRPC answered. */
  #refusal: { readonly status: number; readonly contentType: string; body: Buffer } | undefined;
  /** Undefined until the peer has said how the call ended. */
  #trailers: HeaderRecord | undefined;

  /** @param metadata is given what comes with the answer beside its messages. */
  constructor(metadata: AnswerMetadata | undefined) {
    this.#metadata = metadata;
  }

  /** True once it is known how the call ended, where nothing more comes. */
  get isComplete(): boolean {
    return this.#trailers !== undefined || this.#refusal !== undefined;
  }

  /** True once the peer has said how the call ended. */
  get hasTrailers(): boolean {
    return this.#trailers !== undefined;
  }

  readHeaders(headers: HeaderRecord): void {
    const status = Number(headers[":status"] ?? 0);
    const contentType = readHeader(headers, "content-type") ?? "";
    // Headers that end the call at once are its trailers.
    if (headers["grpc-status"] !== undefined) this.readTrailers(headers);
    else if (status !== 200 || !contentType.startsWith("application/grpc")) {
      this.#refusal = { status, contentType, body: Buffer.alloc(0) };
    } else this.#metadata?.sendHeaders(toAnswerMetadata(headers));
  }

  readTrailers(trailers: HeaderRecord): void {
    this.#trailers = trailers;
    this.#metadata?.setTrailers(toAnswerMetadata(trailers));
  }

  /** The messages that these bytes complete. @throws MicroError for one that is too large or compressed. */
  readBytes(chunk: Buffer, listener: MessageListener): void {
    if (this.#refusal !== undefined) {
      const { body } = this.#refusal;
      if (body.byteLength < errorBytesMax) this.#refusal.body = Buffer.concat([body, chunk]);
      return;
    }
    for (const frame of this.#decoder.push(chunk)) {
      if ((frame.flags & frameFlagCompressed) !== 0) {
        throw new MicroError("bad_gateway", "the answer is compressed, which was not asked for");
      }
      listener.onMessage(frame.message);
    }
  }

  /** Why the call failed; undefined where it did not. Asked when it is complete. */
  outcome(): MicroError | undefined {
    const refusal = this.#refusal;
    if (refusal !== undefined) {
      if (refusal.status !== 200) return fromErrorJson(refusal.status, refusal.body);
      return new MicroError("bad_gateway", `the answer is ${refusal.contentType || "of no type"}, not gRPC`);
    }
    const trailers = this.#trailers ?? {};
    const failure = fromGrpcTrailers((name) => readHeader(trailers, name));
    if (failure !== undefined || this.#decoder.pendingBytes === 0) return failure;
    return new MicroError("bad_gateway", "the answer ended in the middle of a message");
  }
}
