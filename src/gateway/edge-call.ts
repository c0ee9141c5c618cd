import type { Metadata } from "#base/metadata.ts";
import type { Account } from "#interface/auth.ts";
import type { CallTarget } from "#rpc/incoming-call.ts";
import type { Encoding, ServerCall } from "#rpc/server-call.ts";
import type { GatewayRequest } from "./gateway-request.ts";

/**
 * A call on its way to another process, whose caller set no deadline. It needs nothing of its own: who answers watches
 * over the time, and the signal is that of the request. Most calls through a gateway are such.
 */
export class EdgeCall implements ServerCall {
  readonly path: string;
  readonly service: string;
  readonly endpoint: string;
  readonly encoding: Encoding;
  readonly metadata: Metadata;
  readonly deadlineMs = undefined;
  account: Account | undefined = undefined;
  namespace = "";
  readonly #source: GatewayRequest;

  constructor(source: GatewayRequest, target: CallTarget) {
    this.path = target.path;
    this.service = target.service;
    this.endpoint = target.endpoint;
    this.encoding = target.encoding;
    this.metadata = source.metadata();
    this.#source = source;
  }

  get signal(): AbortSignal {
    return this.#source.signal;
  }

  get peer(): string {
    return this.#source.peer;
  }
}
