/** Entry point `micro-ts/proto`: services and clients of a .proto, through the generated code of protobuf-es. */
import type {
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { MethodImplementation } from "#rpc/method.ts";
import { protoMethod, protoMethods, type ProtoHandlers } from "#rpc/proto-service.ts";
import type { Caller, CallOptions } from "./caller.ts";
import type { CallContext } from "./context.ts";

export type { ProtoHandler, ProtoHandlers } from "#rpc/proto-service.ts";

/**
 * The methods of one service of a .proto that have a handler, ready for `service.add(…)`. Handlers are called by the
 * method's name in camel case and may be methods of a class; they get whole messages and may answer with plain objects.
 */
export function implement<S extends DescService>(
  descriptor: S,
  handlers: ProtoHandlers<S, CallContext>,
): readonly MethodImplementation[] {
  // The service puts its context in the place of the bare call before any handler runs.
  return protoMethods(descriptor, handlers as unknown as ProtoHandlers<S>);
}

/** Options of a call whose types a .proto gives. */
export type ProtoCallOptions = Omit<CallOptions, "request" | "response" | "types">;

type Many<T> = AsyncIterable<T>;

type ProtoCall<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: ProtoCallOptions) => Promise<MessageShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: ProtoCallOptions) => Many<MessageShape<O>>
      : M extends DescMethodClientStreaming<infer I, infer O>
        ? (requests: Many<MessageInitShape<I>>, options?: ProtoCallOptions) => Promise<MessageShape<O>>
        : M extends DescMethodBiDiStreaming<infer I, infer O>
          ? (requests: Many<MessageInitShape<I>>, options?: ProtoCallOptions) => Many<MessageShape<O>>
          : never;

/** One function a method, in camel case. */
export type ProtoClient<S extends DescService> = { readonly [K in keyof S["method"]]: ProtoCall<S["method"][K]> };

/**
 * Typed calls of one service of a .proto, in protobuf, over any caller: a client, or the context of a handler.
 *
 * @param service name that the service is registered under
 */
export function createProtoClient<S extends DescService>(
  caller: Caller,
  service: string,
  descriptor: S,
): ProtoClient<S> {
  const entries = descriptor.methods.map((method) => {
    const { endpoint, kind, input, output } = protoMethod(method);
    const types = { input, output } as unknown as NonNullable<CallOptions["types"]>;
    const isOneAnswer = kind === "unary" || kind === "client_stream";
    const call = (body: object | AsyncIterable<object>, options: ProtoCallOptions = {}): unknown =>
      isOneAnswer
        ? caller.call(service, endpoint, body, { ...options, types })
        : caller.stream(service, endpoint, body, { ...options, types });
    return [method.localName, call];
  });
  // One entry a method of the descriptor, each of the shape that its kind asks for.
  return Object.fromEntries(entries) as ProtoClient<S>;
}
