import { MicroError } from "#base/error.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import type { MethodImplementation, MethodKind, RpcMethod } from "./method.ts";
import type { ServerCall } from "./server-call.ts";

/**
 * A typed handler as the wire sees it: decodes, runs, encodes. Whatever the handler throws leaves as a MicroError that
 * names the service; other errors become `internal` with their message and without their stack.
 */
export class TypedMethod implements RpcMethod {
  readonly kind: MethodKind;
  readonly #implementation: MethodImplementation;
  readonly #service: string;

  /** @param service what failures name as their origin. */
  constructor(service: string, implementation: MethodImplementation) {
    this.kind = implementation.kind;
    this.#service = service;
    this.#implementation = implementation;
  }

  unary(message: Uint8Array, call: ServerCall): Promise<Uint8Array> {
    return this.#answerOne(message, call);
  }

  async *stream(messages: AsyncIterable<Uint8Array>, call: ServerCall): AsyncGenerator<Uint8Array> {
    try {
      this.#requireEncoding(call);
      yield* this.#answerStream(messages, call);
    } catch (reason) {
      throw this.#named(reason);
    }
  }

  async #answerOne(message: Uint8Array, call: ServerCall): Promise<Uint8Array> {
    const { kind, spec, handle } = this.#implementation;
    try {
      this.#requireEncoding(call);
      if (kind === "unary") {
        const answer = await handle(decodeMessage(spec.input, message, call.encoding), call);
        return encodeMessage(spec.output, answer, call.encoding);
      }
      if (kind === "client_stream") {
        const answer = await handle(this.#decodeAll(only(message), call), call);
        return encodeMessage(spec.output, answer, call.encoding);
      }
    } catch (reason) {
      throw this.#named(reason);
    }
    throw this.#named(
      new MicroError(
        "unimplemented",
        `${spec.endpoint} answers with a stream; call it over gRPC or with content type application/connect+json`,
      ),
    );
  }

  async *#answerStream(messages: AsyncIterable<Uint8Array>, call: ServerCall): AsyncGenerator<Uint8Array> {
    const { kind, spec, handle } = this.#implementation;
    switch (kind) {
      case "unary":
        yield this.#answerOne(await firstMessage(messages), call);
        return;
      case "client_stream": {
        const answer = await handle(this.#decodeAll(messages, call), call);
        yield encodeMessage(spec.output, answer, call.encoding);
        return;
      }
      case "server_stream": {
        const request = decodeMessage(spec.input, await firstMessage(messages), call.encoding);
        for await (const each of handle(request, call)) yield encodeMessage(spec.output, each, call.encoding);
        return;
      }
      case "bidi_stream": {
        const requests = this.#decodeAll(messages, call);
        for await (const each of handle(requests, call)) yield encodeMessage(spec.output, each, call.encoding);
      }
    }
  }

  async *#decodeAll(messages: AsyncIterable<Uint8Array>, call: ServerCall): AsyncGenerator {
    for await (const each of messages) yield decodeMessage(this.#implementation.spec.input, each, call.encoding);
  }

  #requireEncoding(call: ServerCall): void {
    const { spec } = this.#implementation;
    if (call.encoding === "json" || (spec.input.binary !== undefined && spec.output.binary !== undefined)) return;
    throw new MicroError("unsupported_media_type", `${spec.endpoint} speaks JSON only`);
  }

  #named(reason: unknown): MicroError {
    const error = MicroError.from(reason, { at: this.#service });
    // A failure of a call further down has reached this handler, so it must not be taken for "never sent" above.
    if (error.id !== "" && !error.neverSent) return error;
    const { code, detail, httpStatus } = error;
    return new MicroError(code, detail, { at: error.id === "" ? this.#service : error.id, httpStatus, cause: reason });
  }
}

/**
 * The first message of a stream, taken without closing it: the caller may go on sending.
 *
 * @throws MicroError `invalid_argument` when the stream ends before.
 */
export async function firstMessage(messages: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const first = await messages[Symbol.asyncIterator]().next();
  if (first.done !== true) return first.value;
  throw new MicroError("invalid_argument", "the call ended before its first message");
}

async function* only(message: Uint8Array): AsyncGenerator<Uint8Array> {
  yield message;
}
