import type { Logger } from "#base/logger.ts";
import type { Metadata } from "#base/metadata.ts";
import type { Account } from "#interface/auth.ts";
import type { Encoding, ServerCall } from "#rpc/server-call.ts";
import type { Caller } from "./caller.ts";

/**
 * What a handler knows of the call that it answers, and its way to other services: calls made here carry the metadata of
 * this one, speak for its caller, and end with its deadline.
 */
export interface CallContext extends ServerCall, Caller {
  /** Who calls; undefined for nobody that we know. */
  readonly account: Account | undefined;
  /** The namespace that the call acts in. */
  readonly namespace: string;
  /** Aborts when the caller leaves or the deadline passes: hand it to whatever takes long. */
  readonly signal: AbortSignal;
  /** Milliseconds that are left, at least 0; undefined when the caller set no deadline. */
  remainingMs(): number | undefined;
  /** Lines that name the endpoint and the caller. */
  readonly logger: Logger;
}

export interface ContextDeps {
  readonly logger: Logger;
  /** A caller that acts on behalf of a call. */
  readonly callerFor: (call: ServerCall) => Caller;
}

/** Builds the context of one call. What is rarely used is made when it is asked for: this runs on every request. */
export function createContext(deps: ContextDeps, call: ServerCall): CallContext {
  return new HandlerContext(deps, call);
}

class HandlerContext implements CallContext {
  readonly #deps: ContextDeps;
  readonly #call: ServerCall;
  #logger: Logger | undefined;
  #caller: Caller | undefined;

  constructor(deps: ContextDeps, call: ServerCall) {
    this.#deps = deps;
    this.#call = call;
  }

  // As properties, so that handlers may take them out of the context: `({ id }, { call }) => call("users", …)`.
  get call(): Caller["call"] {
    return this.#outgoing().call;
  }

  get stream(): Caller["stream"] {
    return this.#outgoing().stream;
  }

  get path(): string {
    return this.#call.path;
  }

  get service(): string {
    return this.#call.service;
  }

  get endpoint(): string {
    return this.#call.endpoint;
  }

  get encoding(): Encoding {
    return this.#call.encoding;
  }

  get metadata(): Metadata {
    return this.#call.metadata;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get deadlineMs(): number | undefined {
    return this.#call.deadlineMs;
  }

  get peer(): string {
    return this.#call.peer;
  }

  get account(): Account | undefined {
    return this.#call.account;
  }

  get namespace(): string {
    return this.#call.namespace;
  }

  get logger(): Logger {
    this.#logger ??= this.#deps.logger.with({ endpoint: this.endpoint, account: this.account?.id });
    return this.#logger;
  }

  remainingMs(): number | undefined {
    const { deadlineMs } = this.#call;
    return deadlineMs === undefined ? undefined : Math.max(0, deadlineMs - Date.now());
  }

  #outgoing(): Caller {
    this.#caller ??= this.#deps.callerFor(this.#call);
    return this.#caller;
  }
}
