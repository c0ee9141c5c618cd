/** Entry point `micro-ts/client`: calls services from any program. */
import { requireName } from "#base/name.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import type { Origin } from "./caller.ts";
import { resolveEnvironment, type Variables } from "./environment.ts";
import { openNetwork } from "./open-network.ts";

export { MicroError } from "#base/error.ts";
export type { CallBody, Caller, CallOptions, Origin } from "./caller.ts";

export interface ClientOptions {
  /** `host:port` of the network or of the proxy of a server. @default MICRO_SERVICE_NETWORK, else the server of this machine */
  readonly address?: string;
  /** An access token, or a function that gives the one of the moment. @default a token for MICRO_CLIENT_ID and MICRO_CLIENT_SECRET, or for this machine's services */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>);
  /** @default MICRO_NAMESPACE, else `micro` */
  readonly namespace?: string;
  /** Whose state it works with: the table of `createStore`, for instance. @default MICRO_SERVICE_NAME, else `micro` */
  readonly name?: string;
  /** Environment variables. @default process.env */
  readonly variables?: Variables;
}

/** Calls services; holds connections until it is closed. */
export interface Client extends Origin, Stoppable {
  /** Closes the connections. */
  stop(): Promise<void>;
}

/**
 * Opens a client. Nothing is sent before the first call.
 *
 * @throws MicroError `unavailable` when there is no address and no server on this machine, `invalid_argument` for a bad
 * namespace.
 */
export function createClient(options: ClientOptions = {}): Client {
  const variables = options.variables ?? process.env;
  const { address } = options;
  const environment = resolveEnvironment(
    address === undefined ? variables : { ...variables, MICRO_SERVICE_NETWORK: address },
  );
  const namespace = requireName("namespace", options.namespace ?? environment.namespace);
  const network = openNetwork(environment, namespace, toTokenFunction(options.token));
  const name = requireName("service", options.name ?? (variables["MICRO_SERVICE_NAME"] || "micro"));
  return { namespace, name, call: network.caller.call, stream: network.caller.stream, stop: () => network.stop() };
}

function toTokenFunction(token: ClientOptions["token"]): (() => Promise<string | undefined>) | undefined {
  if (token === undefined) return undefined;
  return typeof token === "string" ? () => Promise.resolve(token) : async () => token();
}
