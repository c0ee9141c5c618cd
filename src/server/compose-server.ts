import { systemClock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { stopAll, type Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import { createAuth, type Auth } from "#core/auth/auth.ts";
import { createAuthTable } from "#core/auth/auth-table.ts";
import { openSigningKeys } from "#core/auth/signing-keys.ts";
import { MemoryRegistry } from "#core/registry/memory-registry.ts";
import { createRegistryTable } from "#core/registry/registry-table.ts";
import { LocalRuntime } from "#core/runtime/local-runtime.ts";
import { runtimeMethods } from "#core/runtime/runtime-methods.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import { createGateway } from "#gateway/gateway.ts";
import { defaultNamespace } from "#interface/auth.ts";
import { createHttpClient } from "#platform/http-client.ts";
import { createForwarder } from "#proxy/forwarder.ts";
import { createCallerGuard } from "#rpc/caller-guard.ts";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import { HttpTransport } from "#rpc/http-transport.ts";
import type { ServiceTable } from "#rpc/method.ts";
import { RpcClient } from "#rpc/rpc-client.ts";
import { NodeSelector } from "#rpc/node-selector.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { createServiceTable } from "#rpc/service-table.ts";
import { probeNode } from "./probe-node.ts";
import { provideSdk } from "./provide-sdk.ts";
import type { ServerConfig } from "./server-options.ts";

/** Names that no service of a user may take. */
const coreNames: ReadonlySet<string> = new Set(["auth", "broker", "config", "events", "registry", "runtime", "store"]);

/** A server that stands. */
export interface ComposedServer extends Stoppable {
  readonly addresses: { readonly gateway: string; readonly proxy: string; readonly network: string };
  readonly auth: Auth;
  /** Starts the services that were running; the server answers meanwhile. */
  startServices(): Promise<void>;
}

export interface ServerDeps {
  readonly config: ServerConfig;
  readonly logger: Logger;
  readonly version: string;
}

/**
 * Builds the whole server: the one place where drivers are named. What was built is taken down again when a later part
 * cannot be.
 *
 * @throws MicroError that names the address or the folder that cannot be used.
 */
export async function composeServer(deps: ServerDeps): Promise<ComposedServer> {
  const parts: Stoppable[] = [];
  try {
    return await build(deps, parts);
  } catch (reason) {
    await stopAll(parts);
    throw reason;
  }
}

async function build({ config, logger, version }: ServerDeps, parts: Stoppable[]): Promise<ComposedServer> {
  const own = <T extends Stoppable>(part: T): T => {
    parts.push(part);
    return part;
  };
  const { paths } = config;
  const opening = SqliteStore.open({ folder: paths.storeFolder });
  // Owned before it stands: its thread would keep the process alive when the keys cannot be read.
  own({
    stop: () =>
      opening.then(
        (opened) => opened.close(),
        () => undefined,
      ),
  });
  const [store, keys] = await Promise.all([opening, openSigningKeys(paths)]);
  const auth = own(await createAuth({ store, keys, logger }));
  const registry = own(new MemoryRegistry({ clock: systemClock }));
  const http = createHttpClient();
  const selector = new NodeSelector();
  const client = new RpcClient(
    {
      resolve: (service, namespace) => registry.nodes(service, namespace),
      http: new HttpTransport({ http }),
      grpc: new GrpcTransport(),
      selector,
      logger,
    },
    // Whoever calls through us decides whether an answer was final.
    { retryCountMax: 0 },
  );
  own({ stop: () => client.close() });

  const tables = new Map<string, ServiceTable>();
  const core = (service: string): ServiceTable | undefined => tables.get(service);
  const guard = createCallerGuard({
    verifier: auth.verifier,
    rules: auth.rules,
    isCore: (service) => tables.has(service),
    isLogin: (call) => call.service === "auth" && (call.endpoint === "Auth.Token" || call.endpoint === "Auth.Inspect"),
  });
  const rpc = createRpcServer({
    resolve: createForwarder({ client, directory: registry, core }),
    guard,
    logger,
    name: "micro",
  });
  const gateway = createGateway({
    directory: registry,
    core,
    guard,
    client,
    direct: { http, selector },
    logger,
    version,
  });

  // The network listens first: services, which need it, are started by the runtime behind it.
  const network = own(
    await listen("--network-address", () => listenRpc({ address: config.networkAddress, server: rpc })),
  );
  let provided: Promise<void> | undefined;
  const sdk = (): Promise<void> => (provided ??= provideSdk(paths.runtimeFolder));
  const runtime = own(
    new LocalRuntime(
      {
        store,
        registry,
        removeInstance: (instance) => void registry.removeInstance(instance),
        identities: auth.identities,
        logger,
        clock: systemClock,
        paths,
        networkAddress: () => network.address,
        publicKey: auth.publicKey,
        probe: (node) => probeNode(http, node),
        provideSdk: () => sdk(),
        serverEnv: process.env,
      },
      { reservedNames: coreNames },
    ),
  );
  const runtimeTable = createServiceTable({
    name: "runtime",
    version,
    methods: runtimeMethods({ runtime, sources: runtime.sources, clock: systemClock }),
  });
  for (const table of [createAuthTable(auth, version), createRegistryTable(registry, version), runtimeTable]) {
    tables.set(table.name, table);
  }
  const proxy = own(await listen("--proxy-address", () => listenRpc({ address: config.proxyAddress, server: rpc })));
  const front = own(await listen("--gateway-address", () => gateway.listen(config.gatewayAddress)));
  await registerCore(registry, [...tables.values()], proxy.address);
  return {
    addresses: { gateway: front.address, proxy: proxy.address, network: network.address },
    auth,
    startServices: async () => {
      await runtime.start();
      // Made ready before anybody waits for it; a failure is told to whoever starts a service.
      await sdk().catch(() => (provided = undefined));
    },
    // What never ends by itself goes first, so that draining waits for work only: watches, then services and their logs.
    stop: () =>
      registry
        .stop()
        .then(() => runtime.stop())
        .then(() => stopAll(parts)),
  };
}

/** Core services are in the registry like any other, so that everybody finds and describes them the same way. */
async function registerCore(registry: MemoryRegistry, tables: readonly ServiceTable[], address: string): Promise<void> {
  for (const { name, version, endpoints } of tables) {
    const node = { id: `${name}-core`, address, metadata: { protocol: "grpc", server: "micro-ts", http: address } };
    await registry.register(
      { name, version, metadata: {}, endpoints, nodes: [node] },
      { domain: defaultNamespace, ttlMs: 0 },
    );
  }
}

/** A listener as a part of the server. @throws MicroError that names the flag that chooses another address. */
async function listen(
  flag: string,
  open: () => Promise<HttpListener>,
): Promise<Stoppable & { readonly address: string }> {
  try {
    const listener = await open();
    return { address: listener.address, stop: () => listener.stop(limits.drainTimeoutMs) };
  } catch (cause) {
    const { code, detail } = MicroError.from(cause);
    throw new MicroError(code, `${detail}; choose another with ${flag}`, { cause });
  }
}
