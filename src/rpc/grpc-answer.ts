import { constants, type ServerHttp2Stream } from "node:http2";
import type { Metadata } from "#base/metadata.ts";
import { awaitDrain } from "#platform/http2-drain.ts";
import type { ContentType } from "./content-type.ts";
import { encodeFrame } from "./grpc-frame.ts";
import type { AnswerMetadata } from "./server-call.ts";

export type Trailers = Readonly<Record<string, string>>;

/** The end of a call that went well. */
export const okTrailers: Trailers = Object.freeze({ "grpc-status": "0" });

/** The answer to one call: headers with the first message or with the end, messages, trailers. */
export class GrpcAnswer implements AnswerMetadata {
  readonly contentType: ContentType | undefined;
  /** True when messages may be long in coming: then headers do not wait for the first of them. */
  isStream = false;
  readonly #stream: ServerHttp2Stream;
  #trailers: Trailers = okTrailers;
  #metadata: Metadata | undefined;
  #trailingMetadata: Metadata | undefined;
  #hasHeaders = false;
  #isEnded = false;

  constructor(stream: ServerHttp2Stream, contentType: ContentType | undefined) {
    this.#stream = stream;
    this.contentType = contentType;
  }

  /** True once the end is on its way; what happens to the stream after that no longer concerns the call. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  sendHeaders(headers: Metadata): void {
    if (this.#isGone || this.#hasHeaders) return;
    this.#metadata = headers;
    if (this.isStream) this.#sendHeaders();
  }

  setTrailers(trailers: Metadata): void {
    this.#trailingMetadata = trailers;
  }

  /** False when the caller reads slower than we write: wait for `drained()`. */
  write(message: Uint8Array): boolean {
    if (this.#isGone) return true;
    this.#sendHeaders();
    return this.#stream.write(encodeFrame(message));
  }

  drained(): Promise<void> {
    return awaitDrain(this.#stream);
  }

  /** The last message and a good end in one write. */
  endWith(message: Uint8Array): void {
    if (this.#isGone) return;
    this.#sendHeaders();
    this.#isEnded = true;
    this.#stream.end(encodeFrame(message));
  }

  /** The end, in headers alone where nothing was sent before. */
  end(trailers: Trailers): void {
    if (this.#isGone) return;
    this.#isEnded = true;
    if (this.#hasHeaders) {
      this.#trailers = trailers;
      this.#stream.end();
      return;
    }
    this.#stream.respond({ ...this.#headers(), ...this.#trailingMetadata, ...trailers }, { endStream: true });
    this.#closeRequestSide();
  }

  get #isGone(): boolean {
    return this.#isEnded || this.#stream.destroyed || this.#stream.closed;
  }

  #headers(): Record<string, string | number> {
    const contentType = this.contentType?.headers["content-type"] ?? "application/grpc";
    return { ...this.#metadata, ":status": 200, "content-type": contentType };
  }

  #sendHeaders(): void {
    if (this.#hasHeaders) return;
    this.#hasHeaders = true;
    this.#stream.once("wantTrailers", () => {
      this.#stream.sendTrailers({ ...this.#trailingMetadata, ...this.#trailers });
      this.#closeRequestSide();
    });
    this.#stream.respond(this.#headers(), { waitForTrailers: true });
  }

  /** After the answer the rest of the request is of no use; a caller that never ends it must not keep the stream open. */
  #closeRequestSide(): void {
    const stream = this.#stream;
    stream.resume();
    if (stream.readableEnded) return;
    // Not at once: a reset that is given with the trailers goes out before them, and the caller would never see them.
    setImmediate(() => {
      if (!stream.readableEnded && !stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }
}
