import type { RpcMethod } from "./method.ts";
import type { ServerCall } from "./server-call.ts";
import type { RoutedCall } from "./rpc-client.ts";

/** What forwarding needs of a client: it finds a node, sends bytes, and throws what the service said as MicroError. */
export interface ForwardingClient {
  unary(call: RoutedCall, message: Uint8Array): Promise<Uint8Array>;
  stream(call: RoutedCall, messages: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/**
 * Passes calls on to a node of the service that they name, in the namespace that the guard settled: bytes as they are,
 * metadata, deadline and cancellation with them, and the metadata of the answer back. It reads no message, so it serves every method of every kind.
 */
export class ForwardingMethod implements RpcMethod {
  readonly kind: "any" | "unary";
  readonly #client: ForwardingClient;

  /**
   * @param kind `unary` for endpoints that are known to take one message and give one: these travel as a whole, and may
   * be sent to another node when the first could not be reached.
   */
  constructor(client: ForwardingClient, kind: "any" | "unary") {
    this.#client = client;
    this.kind = kind;
  }

  unary(message: Uint8Array, call: ServerCall): Promise<Uint8Array> {
    return this.#client.unary(toRouted(call), message);
  }

  stream(messages: AsyncIterable<Uint8Array>, call: ServerCall): AsyncIterable<Uint8Array> {
    return this.#client.stream(toRouted(call), messages);
  }
}

/** The namespace that travels on is the one that was checked, whatever the caller wrote. */
export function toRouted(call: ServerCall): RoutedCall {
  const { service, endpoint, namespace, encoding, signal, deadlineMs, answer } = call;
  const isNamed = call.metadata["micro-namespace"] === namespace;
  const metadata = isNamed ? call.metadata : { ...call.metadata, "micro-namespace": namespace };
  return {
    service,
    endpoint,
    namespace,
    encoding,
    signal,
    metadata,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(answer === undefined ? {} : { answer }),
  };
}
