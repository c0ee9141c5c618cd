import { systemClock } from "#base/clock.ts";
import { silentLogger, type Logger } from "#base/logger.ts";
import { MemoryRegistry } from "#core/registry/memory-registry.ts";
import { createRegistryTable } from "#core/registry/registry-table.ts";
import { createGateway, type GatewayOptions } from "#gateway/gateway.ts";
import type { ListenGatewayOptions } from "#gateway/listen-gateway.ts";
import { Readiness } from "#gateway/readiness.ts";
import type { Account } from "#interface/auth.ts";
import type { Endpoint, ServiceNode } from "#interface/registry.ts";
import { createHttpClient } from "#platform/http-client.ts";
import { createForwarder } from "#proxy/forwarder.ts";
import { createNetworkReflection } from "#proxy/network-reflection.ts";
import { createCallerGuard } from "#rpc/caller-guard.ts";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import { HttpTransport } from "#rpc/http-transport.ts";
import { NodeSelector } from "#rpc/node-selector.ts";
import { RpcClient } from "#rpc/rpc-client.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { createEchoTable } from "./echo-service.ts";

/** Accounts by their tokens. */
const accounts: Readonly<Record<string, Account>> = {
  "token-admin": account("admin", "micro", ["admin"]),
  "token-ann": account("ann", "micro", []),
  "token-foo": account("fred", "foo", ["admin"]),
};

/** A token of a service that the runtime started as instance `i-1`. */
export const serviceToken = "token-service";

/** The edges of a server, with a registry that tests fill and tokens that tests know. */
export interface Edge extends AsyncDisposable {
  /** `http://host:port` */
  readonly gateway: string;
  /** `host:port` of gRPC. */
  readonly proxy: string;
  readonly registry: MemoryRegistry;
  readonly readiness: Readiness;
  /** Stops the gateway alone, as a server that ends does. */
  stopGateway(drainTimeoutMs: number): Promise<void>;
  /** Makes a service known. */
  register(service: {
    name: string;
    domain: string;
    nodes: readonly ServiceNode[];
    endpoints: readonly Endpoint[];
  }): Promise<void>;
}

export interface EdgeOptions {
  readonly gateway?: GatewayOptions;
  readonly listen?: ListenGatewayOptions;
  /** Of the gateway. @default silent */
  readonly logger?: Logger;
}

/**
 * Starts registry, gateway and identity proxy as a server would put them together. The rules let everybody call
 * everything, but for `Echo.Plain`, which wants an account with scope `admin`.
 */
export async function startEdge(options: EdgeOptions = {}): Promise<Edge> {
  const registry = new MemoryRegistry({ clock: systemClock });
  const table = createRegistryTable(registry, "1.2.3");
  const grpc = new GrpcTransport();
  const reflection = createNetworkReflection({ directory: registry, core: () => [table], grpc });
  const core = (service: string) => [table, ...reflection].find((each) => each.name === service);
  const guard = createCallerGuard({
    // One of the two ways in which a verifier may answer for each kind of token.
    verifier: { verify: (token) => (token === serviceToken ? Promise.resolve(serviceAccount) : accounts[token]) },
    rules: {
      decide: (caller, _namespace, { endpoint }) => ({
        granted: endpoint !== "Echo.Plain" || caller?.scopes.includes("admin") === true,
      }),
    },
    isCore: (service) => core(service) !== undefined,
  });
  const direct = { http: createHttpClient(), grpc, selector: new NodeSelector() };
  const transports = { http: new HttpTransport({ http: direct.http }), grpc };
  const resolve = (service: string, namespace: string) => registry.nodes(service, namespace);
  const client = new RpcClient({ resolve, ...transports, selector: direct.selector }, { retryCountMax: 0 });
  const shared = { directory: registry, core, client };
  const readiness = new Readiness();
  const gateway = createGateway(
    { ...shared, direct, guard, readiness, logger: options.logger ?? silentLogger, version: "1.2.3" },
    { bodyBytesMax: 1_000_000, ...options.gateway },
  );
  const proxy = createRpcServer({
    resolve: createForwarder(shared),
    guard,
    logger: silentLogger,
    name: "proxy",
    pages: {},
  });
  const listeners = [
    await gateway.listen("127.0.0.1:0", options.listen),
    await listenRpc({ address: "127.0.0.1:0", server: proxy }),
  ] as const;
  return {
    gateway: `${options.listen?.tls === undefined ? "http" : "https"}://${listeners[0].address}`,
    proxy: listeners[1].address,
    registry,
    readiness,
    stopGateway: (drainTimeoutMs) => listeners[0].stop(drainTimeoutMs),
    register: ({ domain, ...entry }) =>
      registry.register({ version: "1", metadata: {}, ...entry }, { domain, ttlMs: 0 }),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(listeners.map((each) => each.stop(0)));
      await client.close();
      await registry.stop();
    },
  };
}

/** What the echo service publishes. */
export const echoEndpoints = createEchoTable().endpoints;

/** An endpoint of a service that is no TypeScript service: its types say little. */
export function foreignEndpoint(name: string, metadata: Readonly<Record<string, string>> = {}): Endpoint {
  const value = { name: "Context", type: "Context", values: [] };
  return { name, request: value, response: value, metadata };
}

const serviceAccount: Account = {
  ...account("worker", "micro", ["service"]),
  type: "service",
  metadata: { instance: "i-1" },
};

function account(id: string, namespace: string, scopes: readonly string[]): Account {
  return { id, type: "user", namespace, name: id, scopes, metadata: {} };
}
