import type { DescFile } from "@bufbuild/protobuf";
import type { JsonValue } from "#base/json.ts";
import type { Metadata } from "#base/metadata.ts";
import type { Endpoint, Value } from "#interface/registry.ts";
import type { ServerCall } from "./server-call.ts";

export const methodKinds = ["unary", "server_stream", "client_stream", "bidi_stream"] as const;
export type MethodKind = (typeof methodKinds)[number];

/**
 * One message type, whatever declared it: a protobuf descriptor or a schema of the service's author.
 */
export interface MessageType<T> {
  readonly name: string;
  /** The tree that the registry publishes. */
  readonly value: Value;
  /** Checks and converts JSON from a peer. @throws MicroError `invalid_argument` that names the bad field. */
  fromJson(json: unknown): T;
  toJson(message: T): JsonValue;
  /** Protobuf encoding; absent where the type has none, then the endpoint speaks JSON only. */
  readonly binary?: {
    /** @throws MicroError `invalid_argument` for bytes that are not such a message. */
    decode(bytes: Uint8Array): T;
    encode(message: T): Uint8Array;
  };
}

/** What an endpoint is: name, kind and types. */
export interface MethodSpec<I, O> {
  /** `Type.Method`. */
  readonly endpoint: string;
  readonly kind: MethodKind;
  /** What the registry says instead of `kind`: for a method that listens to more than its declaration tells callers to send. */
  readonly publishedKind?: MethodKind;
  readonly input: MessageType<I>;
  readonly output: MessageType<O>;
  /** One sentence for people; published as metadata. */
  readonly description?: string;
  readonly metadata?: Metadata;
  /** The .proto that declares it, where one does. */
  readonly file?: DescFile;
}

export type UnaryHandler<I, O, C = ServerCall> = (request: I, call: C) => O | Promise<O>;
export type ServerStreamHandler<I, O, C = ServerCall> = (request: I, call: C) => AsyncIterable<O>;
export type ClientStreamHandler<I, O, C = ServerCall> = (requests: AsyncIterable<I>, call: C) => O | Promise<O>;
export type BidiStreamHandler<I, O, C = ServerCall> = (requests: AsyncIterable<I>, call: C) => AsyncIterable<O>;

/** The handler of each method kind. */
export interface HandlerByKind<I, O, C = ServerCall> {
  readonly unary: UnaryHandler<I, O, C>;
  readonly server_stream: ServerStreamHandler<I, O, C>;
  readonly client_stream: ClientStreamHandler<I, O, C>;
  readonly bidi_stream: BidiStreamHandler<I, O, C>;
}

/**
 * A method with what answers it, its types forgotten: what `spec.input` reads is what `handle` takes, and what `handle`
 * gives is what `spec.output` writes. Made by {@link implement}, which is where the compiler checks that.
 */
export type MethodImplementation = {
  [K in MethodKind]: {
    readonly kind: K;
    readonly spec: MethodSpec<unknown, unknown>;
    readonly handle: HandlerByKind<unknown, unknown>[K];
  };
}[MethodKind];

/** Joins a method and its handler; the handler must fit the method's kind and types. */
export function implement<K extends MethodKind, I, O>(
  spec: MethodSpec<I, O> & { readonly kind: K },
  handle: HandlerByKind<NoInfer<I>, NoInfer<O>>[K],
): MethodImplementation {
  // The one place where the types are forgotten; the signature has just checked that they belong together.
  return { kind: spec.kind, spec, handle } as unknown as MethodImplementation;
}

/**
 * An endpoint as the wire sees it: bytes of one message in, bytes of one message out, in the encoding that `call` names.
 * Typed endpoints and forwarders are both this.
 */
export interface RpcMethod {
  /** `any`: a forwarder, which learns the kind from the caller. */
  readonly kind: MethodKind | "any";
  unary(message: Uint8Array, call: ServerCall): Promise<Uint8Array>;
  /** Acts on the first message, without waiting for the caller's end. */
  stream(messages: AsyncIterable<Uint8Array>, call: ServerCall): AsyncIterable<Uint8Array>;
}

/** A service as a table: what it is called, what it publishes, what it answers. */
export interface ServiceTable {
  readonly name: string;
  readonly version: string;
  readonly endpoints: readonly Endpoint[];
  /** What declares its methods, for tools that ask for descriptors; empty where no .proto does. */
  readonly files: readonly DescFile[];
  /** By endpoint name, `Type.Method`. */
  method(endpoint: string): RpcMethod | undefined;
}

/** Finds what answers a call. @throws MicroError `unimplemented` (`unknown service X.Y`) or `not_found` (`service X: route not found`). */
export type MethodResolver = (call: ServerCall) => RpcMethod | Promise<RpcMethod>;

/** Runs before a call is answered: identifies the caller, checks the rules. Sets `call.account` and `call.namespace`, or throws. */
export type CallGuard = (call: ServerCall) => void | Promise<void>;
