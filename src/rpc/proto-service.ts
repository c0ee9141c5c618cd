import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import {
  implement,
  type BidiStreamHandler,
  type ClientStreamHandler,
  type HandlerByKind,
  type MethodImplementation,
  type MethodKind,
  type MethodSpec,
  type ServerStreamHandler,
  type UnaryHandler,
} from "./method.ts";
import { protoMessage, type ProtoMessageType } from "./proto-message.ts";
import type { ServerCall } from "./server-call.ts";

/** The handler of a method of a .proto. It gets whole messages, and may answer with plain objects. */
export type ProtoHandler<M, C = ServerCall> =
  M extends DescMethodUnary<infer I, infer O>
    ? UnaryHandler<MessageShape<I>, MessageInitShape<O>, C>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? ServerStreamHandler<MessageShape<I>, MessageInitShape<O>, C>
      : M extends DescMethodClientStreaming<infer I, infer O>
        ? ClientStreamHandler<MessageShape<I>, MessageInitShape<O>, C>
        : M extends DescMethodBiDiStreaming<infer I, infer O>
          ? BidiStreamHandler<MessageShape<I>, MessageInitShape<O>, C>
          : never;

/** Handlers of a service of a .proto by method, in camel case (`changeSecret`). A method without one is not answered. */
export type ProtoHandlers<S extends DescService, C = ServerCall> = {
  readonly [K in keyof S["method"]]?: ProtoHandler<S["method"][K], C>;
};

/** A method as its callers see it: they may send plain objects, and get whole messages. */
export type ProtoMethodSpec<M extends DescMethod> = MethodSpec<
  MessageInitShape<M["input"]>,
  MessageShape<M["output"]>
> & { readonly kind: (typeof kinds)[M["methodKind"]] };

const kinds = {
  unary: "unary",
  server_streaming: "server_stream",
  client_streaming: "client_stream",
  bidi_streaming: "bidi_stream",
} as const satisfies Record<DescMethod["methodKind"], MethodKind>;

/**
 * The methods of one service of a .proto that have a handler, ready for a service table. Endpoints are called
 * `Type.Method` after the .proto (`Accounts.ChangeSecret`). Handlers may be methods of a class: they keep their `this`.
 */
export function protoMethods<S extends DescService>(
  service: S,
  handlers: ProtoHandlers<S>,
): readonly MethodImplementation[] {
  // By name; that each handler fits its method was checked where `handlers` was written.
  const byName = handlers as Readonly<Record<string, HandlerByKind<unknown, unknown>[MethodKind] | undefined>>;
  return service.methods.flatMap((method) => {
    const handle = byName[method.localName];
    return handle === undefined ? [] : [implement(serverSpec(method), handle.bind(handlers))];
  });
}

/** A method for a client to call: `protoMethod(Registry.method.getService)`. Call it once a method, not once a call. */
export function protoMethod<M extends DescMethod>(method: M): ProtoMethodSpec<M> {
  const kind = kinds[method.methodKind] as (typeof kinds)[M["methodKind"]];
  return { endpoint: endpointName(method), kind, ...types<M["input"], M["output"]>(method) };
}

function serverSpec(method: DescMethod): MethodSpec<unknown, unknown> & { readonly kind: MethodKind } {
  return { endpoint: endpointName(method), kind: kinds[method.methodKind], file: method.parent.file, ...types(method) };
}

function types<I extends DescMessage, O extends DescMessage>(
  method: DescMethod & { readonly input: I; readonly output: O },
): { readonly input: ProtoMessageType<I>; readonly output: ProtoMessageType<O> } {
  return { input: protoMessage(method.input), output: protoMessage(method.output) };
}

function endpointName(method: DescMethod): string {
  return `${method.parent.name}.${method.name}`;
}
