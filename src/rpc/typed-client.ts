import { MicroError } from "#base/error.ts";
import type { JsonValue } from "#base/json.ts";
import type { Metadata } from "#base/metadata.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import type { MessageType, MethodKind, MethodSpec } from "./method.ts";
import type { RoutedCall, RpcClient } from "./rpc-client.ts";
import type { Encoding } from "./server-call.ts";

/** What a caller may say about one call. */
export interface CallOptions {
  /** Where the service is looked up. Default: the client's. */
  readonly namespace?: string;
  /** Added to the client's; keys lower-case. */
  readonly metadata?: Metadata;
  /** In milliseconds. Default: limits.requestTimeoutMs for unary calls, none for streams. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** @default proto where both message types have it, else json */
  readonly encoding?: Encoding;
}

export interface TypedClientOptions {
  readonly namespace: string;
  /** Sent with every call, asked for at each, because tokens change. @default nothing */
  readonly metadata?: () => Metadata;
}

/** Messages of a stream, from anything that can be walked through. */
export type Messages<T> = AsyncIterable<T> | Iterable<T>;

/** Calls with messages instead of bytes. */
export class TypedClient {
  readonly #client: RpcClient;
  readonly #options: TypedClientOptions;

  constructor(client: RpcClient, options: TypedClientOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** A unary call in plain JSON. @param endpoint `Type.Method` */
  async callJson(service: string, endpoint: string, body: JsonValue, options: CallOptions = {}): Promise<JsonValue> {
    const call = this.#toCall({ service, endpoint, encoding: "json" }, options);
    return fromJsonBytes(await this.#client.unary(call, toJsonBytes(body)));
  }

  /** A stream in plain JSON, of any kind. Leaving the result cancels the call. @param endpoint `Type.Method` */
  streamJson(
    service: string,
    endpoint: string,
    bodies: Messages<JsonValue>,
    options: CallOptions & { readonly kind?: MethodKind } = {},
  ): AsyncIterable<JsonValue> {
    const { kind } = options;
    const call = this.#toCall({ service, endpoint, encoding: "json", ...(kind !== undefined && { kind }) }, options);
    return map(this.#client.stream(call, encodeAll(bodies, toJsonBytes)), fromJsonBytes);
  }

  /** A unary call. */
  async unary<I, O>(spec: MethodSpec<I, O>, service: string, message: I, options: CallOptions = {}): Promise<O> {
    const call = this.#toTypedCall(spec, service, options);
    const answer = await this.#client.unary(call, encodeMessage(spec.input, message, call.encoding));
    return readAnswer(spec.output, answer, call.encoding);
  }

  /** One message, many answers. */
  serverStream<I, O>(spec: MethodSpec<I, O>, service: string, message: I, options: CallOptions = {}): AsyncIterable<O> {
    return this.bidiStream(spec, service, [message], options);
  }

  /** Many messages, one answer. */
  async clientStream<I, O>(
    spec: MethodSpec<I, O>,
    service: string,
    messages: Messages<I>,
    options: CallOptions = {},
  ): Promise<O> {
    let answer: { readonly message: O } | undefined;
    for await (const message of this.bidiStream(spec, service, messages, options)) {
      if (answer !== undefined)
        throw new MicroError("bad_gateway", `${spec.endpoint} answered with more than one message`);
      answer = { message };
    }
    if (answer === undefined) throw new MicroError("bad_gateway", `${spec.endpoint} ended without an answer`);
    return answer.message;
  }

  /** Messages both ways. Leaving the result cancels the call. */
  bidiStream<I, O>(
    spec: MethodSpec<I, O>,
    service: string,
    messages: Messages<I>,
    options: CallOptions = {},
  ): AsyncIterable<O> {
    const call = this.#toTypedCall(spec, service, options);
    const bytes = encodeAll(messages, (message) => encodeMessage(spec.input, message, call.encoding));
    return map(this.#client.stream(call, bytes), (answer) => readAnswer(spec.output, answer, call.encoding));
  }

  #toTypedCall(
    spec: MethodSpec<never, unknown> | MethodSpec<unknown, unknown>,
    service: string,
    options: CallOptions,
  ): RoutedCall {
    const hasBinary = spec.input.binary !== undefined && spec.output.binary !== undefined;
    const encoding = options.encoding ?? (hasBinary ? "proto" : "json");
    return this.#toCall({ service, endpoint: spec.endpoint, encoding, kind: spec.kind }, options);
  }

  #toCall(target: Pick<RoutedCall, "service" | "endpoint" | "encoding" | "kind">, options: CallOptions): RoutedCall {
    return {
      ...target,
      namespace: options.namespace ?? this.#options.namespace,
      metadata: { ...this.#options.metadata?.(), ...options.metadata },
      ...(options.timeoutMs !== undefined && { deadlineMs: Date.now() + options.timeoutMs }),
      ...(options.signal !== undefined && { signal: options.signal }),
    };
  }
}

function readAnswer<T>(type: MessageType<T>, bytes: Uint8Array, encoding: Encoding): T {
  try {
    return decodeMessage(type, bytes, encoding);
  } catch (reason) {
    const { detail } = MicroError.from(reason);
    throw new MicroError("bad_gateway", `the answer is not a ${type.name}: ${detail}`, { cause: reason });
  }
}

function toJsonBytes(body: JsonValue): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(body));
}

function fromJsonBytes(bytes: Uint8Array): JsonValue {
  if (bytes.byteLength === 0) return {};
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as JsonValue;
  } catch (cause) {
    throw new MicroError("bad_gateway", "the answer is not JSON", { cause });
  }
}

async function* encodeAll<T>(messages: Messages<T>, encode: (message: T) => Uint8Array): AsyncGenerator<Uint8Array> {
  for await (const message of messages) yield encode(message);
}

/** Leaves the source at once when its own reader leaves, also while the source waits. */
function map<T, U>(items: AsyncIterable<T>, convert: (item: T) => U): AsyncIterable<U> {
  return {
    [Symbol.asyncIterator]: () => {
      const source = items[Symbol.asyncIterator]();
      return {
        next: async () => {
          const next = await source.next();
          if (next.done === true) return { done: true, value: undefined };
          try {
            return { done: false, value: convert(next.value) };
          } catch (reason) {
            await source.return?.();
            throw reason;
          }
        },
        return: async () => {
          await source.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
