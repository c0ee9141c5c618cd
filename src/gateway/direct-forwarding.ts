import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { isForwardable } from "#base/metadata.ts";
import type { ServiceDirectory, ServiceNode } from "#interface/registry.ts";
import { isUnserved } from "#rpc/connection-error.ts";
import { fromErrorJson } from "#rpc/error-wire.ts";
import { formatTimeoutHeader } from "#rpc/grpc-timeout.ts";
import type { HttpClient, HttpResult } from "#rpc/http-client.ts";
import type { RpcMethod } from "#rpc/method.ts";
import type { NodeSelector } from "#rpc/node-selector.ts";
import { formatRpcPath } from "#rpc/rpc-path.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import type { Transport } from "#rpc/transport.ts";
import { CallWatch, type WatchedCall } from "./call-watch.ts";

export interface DirectForwardingDeps {
  readonly directory: ServiceDirectory;
  readonly http: HttpClient;
  readonly grpc: Pick<Transport, "unary">;
  /** The one of the RPC client, so that what one learns of a node the other knows. */
  readonly selector: NodeSelector;
  /** Takes what does not go this way: streams, and calls that did not reach their node. */
  readonly general: RpcMethod;
}

const defaultTimeoutHeader = formatTimeoutHeader(limits.requestTimeoutMs);

/** A call and where it goes. */
interface DirectCall {
  readonly node: ServiceNode;
  readonly message: Uint8Array;
  readonly call: ServerCall;
}

/**
 * The short way to a service, for the calls that a gateway has most of: one message, in the same encoding on both sides.
 * What it saves is what a general client does for calls that are longer or need more.
 */
export class DirectForwarding implements RpcMethod {
  readonly kind = "any";
  readonly #deps: DirectForwardingDeps;
  readonly #watch = new CallWatch();

  constructor(deps: DirectForwardingDeps) {
    this.#deps = deps;
  }

  unary(message: Uint8Array, call: ServerCall): Promise<Uint8Array> {
    const { directory, selector, general } = this.#deps;
    const node = selector.pick(directory.nodes(call.service, call.namespace));
    return node === undefined ? general.unary(message, call) : this.#send({ node, message, call });
  }

  stream(messages: AsyncIterable<Uint8Array>, call: ServerCall): AsyncIterable<Uint8Array> {
    return this.#deps.general.stream(messages, call);
  }

  async #send(direct: DirectCall): Promise<Uint8Array> {
    const { selector, general } = this.#deps;
    const { node, message, call } = direct;
    const watched = this.#watch.begin(call, call.deadlineMs ?? Date.now() + limits.requestTimeoutMs);
    selector.begin(node);
    try {
      const http = node.metadata["http"];
      const answer =
        http === undefined
          ? await this.#sendGrpc(direct, watched)
          : readAnswer(await this.#post(http, direct, watched));
      selector.reached(node);
      return answer;
    } catch (reason) {
      const error = MicroError.from(reason);
      if (!error.neverSent) {
        this.#noteFailure(node, error);
        throw error;
      }
      if (error.code === "unavailable") selector.failed(node);
    } finally {
      selector.end(node);
      watched.release();
    }
    return general.unary(message, call);
  }

  #noteFailure(node: ServiceNode, error: MicroError): void {
    const { selector } = this.#deps;
    if (error.code === "cancelled") return;
    if (isUnserved(error)) selector.faulted(node);
    else selector.reached(node);
  }

  #post(address: string, { message, call }: DirectCall, signal: WatchedCall): Promise<HttpResult<Uint8Array>> {
    const path = formatRpcPath(call.service, call.endpoint);
    return this.#deps.http.post(address, { path, headers: toHeaders(call), body: message, signal });
  }

  #sendGrpc({ node, message, call }: DirectCall, signal: WatchedCall): Promise<Uint8Array> {
    const { service, endpoint, encoding } = call;
    const metadata = { ...call.metadata, "micro-namespace": call.namespace };
    const { deadlineMs } = signal;
    return this.#deps.grpc.unary(node.address, { service, endpoint, encoding, metadata, deadlineMs, signal }, message);
  }
}

/** @throws MicroError what the service answered in place of a message. */
function readAnswer({ status, body }: HttpResult<Uint8Array>): Uint8Array {
  if (status === 200) return body;
  throw fromErrorJson(status, body);
}

function toHeaders(call: ServerCall): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const key in call.metadata) {
    const value = call.metadata[key];
    if (value !== undefined && isForwardable(key)) headers[key] = value;
  }
  headers["micro-namespace"] = call.namespace;
  headers["content-type"] = call.encoding === "json" ? "application/json" : "application/proto";
  headers["accept-encoding"] = "identity";
  headers["timeout"] =
    call.deadlineMs === undefined
      ? defaultTimeoutHeader
      : formatTimeoutHeader(Math.max(0, call.deadlineMs - Date.now()));
  return headers;
}
