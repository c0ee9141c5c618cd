import type { Stoppable } from "#base/lifecycle.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import type { Caller } from "./caller.ts";
import { createCaller, type CallSender, type CallScope, type SchemaTypes } from "./create-caller.ts";
import type { Credentials } from "./environment.ts";
import type { RegistryCalls } from "./registration.ts";
import type { RulesCalls } from "./rules-watch.ts";
import { createTokenSource, type TokenSource } from "./token-source.ts";

export interface NetworkDeps {
  /** Carries calls to the network address. */
  readonly sender: CallSender & { close(): Promise<void> };
  readonly namespace: string;
  /** The credentials as they are now, which are exchanged for tokens. Absent: there are none. */
  readonly credentials?: () => Credentials | undefined;
  /** The token of the moment, where somebody else keeps it; goes before credentials. */
  readonly token?: () => Promise<string | undefined>;
}

/** The way of a process to every other service: one set of connections, one token. */
export class Network implements Stoppable {
  /** Calls as this process. */
  readonly caller: Caller;
  readonly registry: RegistryCalls;
  readonly rules: RulesCalls;
  readonly #deps: NetworkDeps;
  readonly #tokens: TokenSource;
  readonly #schemaTypes: SchemaTypes = new Map();

  constructor(deps: NetworkDeps) {
    this.#deps = deps;
    // The call that gets a token carries none.
    const login = this.#createCaller({ metadata: {}, token: async () => undefined, refuseToken: () => undefined });
    const { credentials = () => undefined, token, namespace } = deps;
    this.#tokens =
      token === undefined
        ? createTokenSource({
            credentials,
            namespace,
            requestToken: (request) => login.call("auth", "Auth.Token", request, { timeoutMs: tokenTimeoutMs }),
          })
        : { token, refuse: () => undefined };
    const caller = this.#createCaller({ metadata: { "micro-namespace": deps.namespace }, ...this.#ownToken() });
    this.caller = caller;
    this.registry = {
      call: (endpoint, body, signal) => caller.call("registry", endpoint, body, { signal }),
      stream: (endpoint, body, signal) => caller.stream("registry", endpoint, body, { signal }),
    };
    this.rules = {
      list: (body, signal) => caller.call("auth", "Rules.List", body, { signal }),
      watch: (body, signal) => caller.stream("auth", "Rules.Watch", body, { signal }),
    };
  }

  /**
   * Calls on behalf of a call that is being answered: with its metadata and namespace, with its token where it has one,
   * until its deadline, and no longer than its caller waits.
   */
  callerFor(call: ServerCall): Caller {
    // The transport leaves out what belongs to one hop.
    const metadata = { ...call.metadata, "micro-namespace": call.namespace };
    return this.#createCaller({ metadata, ...this.#ownToken(), deadlineMs: call.deadlineMs, signal: call.signal });
  }

  /** Closes the connections. */
  stop(): Promise<void> {
    return this.#deps.sender.close();
  }

  #ownToken(): Pick<CallScope, "token" | "refuseToken"> {
    return { token: () => this.#tokens.token(), refuseToken: (token) => this.#tokens.refuse(token) };
  }

  #createCaller(scope: CallScope): Caller {
    return createCaller(this.#deps.sender, scope, this.#schemaTypes);
  }
}

/** A login takes milliseconds; whoever waits for the token must not wait for a server that hangs. */
const tokenTimeoutMs = 5_000;
