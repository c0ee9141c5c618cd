import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { isForwardable } from "#base/metadata.ts";
import type { ServiceDirectory, ServiceNode } from "#interface/registry.ts";
import { fromErrorJson } from "#rpc/error-wire.ts";
import { formatTimeoutHeader } from "#rpc/grpc-timeout.ts";
import type { HttpClient } from "#rpc/http-client.ts";
import type { RpcMethod } from "#rpc/method.ts";
import type { NodeSelector } from "#rpc/node-selector.ts";
import { formatRpcPath } from "#rpc/rpc-path.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { CallWatch } from "./call-watch.ts";

export interface DirectForwardingDeps {
  readonly directory: ServiceDirectory;
  readonly http: HttpClient;
  /** The one of the RPC client, so that what one learns of a node the other knows. */
  readonly selector: NodeSelector;
  /** Takes what does not go this way: streams, nodes that speak gRPC alone, and calls that did not reach their node. */
  readonly general: RpcMethod;
}

const defaultTimeoutHeader = formatTimeoutHeader(limits.requestTimeoutMs);

/**
 * The short way to a TypeScript service, for the calls that a gateway has most of: one message, over HTTP/1.1, in the
 * same encoding on both sides. What it saves is what a general client does for calls that are longer or need more.
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
    const address = node?.metadata["http"];
    if (node === undefined || address === undefined) return general.unary(message, call);
    return this.#send({ node, address, message }, call);
  }

  stream(messages: AsyncIterable<Uint8Array>, call: ServerCall): AsyncIterable<Uint8Array> {
    return this.#deps.general.stream(messages, call);
  }

  async #send(
    to: { readonly node: ServiceNode; readonly address: string; readonly message: Uint8Array },
    call: ServerCall,
  ): Promise<Uint8Array> {
    const { selector, http, general } = this.#deps;
    const { node, address, message } = to;
    const watched = this.#watch.begin(call, call.deadlineMs ?? Date.now() + limits.requestTimeoutMs);
    selector.begin(node);
    try {
      const path = formatRpcPath(call.service, call.endpoint);
      const answer = await http.post(address, {
        path,
        headers: toHeaders(call),
        body: message,
        signal: watched,
      });
      selector.reached(node);
      if (answer.status === 200) return answer.body;
      throw fromErrorJson(answer.status, answer.body);
    } catch (reason) {
      if (!MicroError.is(reason) || !reason.neverSent) throw reason;
      if (reason.code === "unavailable") selector.failed(node);
    } finally {
      selector.end(node);
      watched.release();
    }
    return general.unary(message, call);
  }
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
