import { systemClock } from "#base/clock.ts";
import type { ServerAddresses } from "#base/home.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import type { Logger } from "#base/logger.ts";
import type { Auth } from "#core/auth/auth.ts";
import { MemoryRegistry } from "#core/registry/memory-registry.ts";
import { createBlobAnswerer } from "#gateway/public-blobs.ts";
import { Readiness } from "#gateway/readiness.ts";
import type { ServiceTable } from "#rpc/method.ts";
import { reflectionNames } from "#rpc/reflection.ts";
import { listenCorePort } from "./core-port.ts";
import { createCoreTables, registerCoreTables } from "./core-tables.ts";
import { createEdges } from "./create-edges.ts";
import { createGuard } from "./create-guard.ts";
import { createRuntime } from "./create-runtime.ts";
import { listenEdges } from "./listen-edges.ts";
import { backupDeps } from "./backup-deps.ts";
import { openConnections } from "./open-connections.ts";
import { requireOwnSecret } from "./open-addresses.ts";
import { openAuth } from "./open-auth.ts";
import { openState, openStateFiles } from "./open-state.ts";
import { OwnedParts } from "./owned-parts.ts";
import type { ServerLogger } from "./server-logger.ts";
import type { ServerConfig } from "./server-options.ts";
import { noWorkers, startWorkers } from "./start-workers.ts";
import { readTlsFiles } from "./tls-files.ts";

/** A server that stands. */
export interface ComposedServer extends Stoppable {
  readonly addresses: ServerAddresses;
  readonly auth: Auth;
  /** Starts the services that were running; the server answers meanwhile. */
  readonly startServices: () => Promise<void>;
}

export interface ServerDeps extends ServerLogger {
  readonly config: ServerConfig;
  readonly version: string;
}

/**
 * Builds the whole server. What was built is taken down again when a later part cannot be.
 *
 * @throws MicroError that names the address or the folder that cannot be used.
 */
export async function composeServer(deps: ServerDeps): Promise<ComposedServer> {
  const parts = new OwnedParts();
  try {
    return await build(deps, parts);
  } catch (reason) {
    await parts.stop();
    throw reason;
  }
}

async function build(deps: ServerDeps, parts: OwnedParts): Promise<ComposedServer> {
  const { config, logger, serverLogs, version } = deps;
  const { paths, gateway: gatewayOptions } = config;
  const tls = config.tlsFiles === undefined ? undefined : await readTlsFiles(config.tlsFiles);
  const of = (part: string): Logger => logger.with({ part });
  const files = openStateFiles({ paths, logger }, parts);
  const { store, auth } = await openAuth({ paths, logger: of("auth") }, parts);
  await requireOwnSecret(config, auth);
  await auth.prepareAdministrator(config.adminSecret);
  const state = await openState({ paths, store, logger, files }, parts);
  const registry = parts.own(new MemoryRegistry({ clock: systemClock }));
  const tables = new Map<string, ServiceTable>();
  const connections = openConnections({ directory: registry, logger }, parts);
  const { core, guard } = createGuard({ auth, directory: registry, tables, grpc: connections.grpc });
  const readiness = new Readiness();
  const answerBlob = createBlobAnswerer(state.blobs);
  const edges = { connections, directory: registry, core, guard, answerBlob };
  const { rpc, gateway } = createEdges({ ...edges, readiness, gatewayOptions, logger, version });
  const listeners = await listenEdges({ config, rpc, gateway, tls }, parts);

  // The network listens first: services, which need it, are started by the runtime behind it.
  const { address: networkAddress } = await listeners.network();
  const { http, grpc, selector } = connections;
  let workers = noWorkers;
  const callsTo = async (addresses: readonly string[]): Promise<number> => {
    const counts = addresses.map((address) => selector.callsUnderWay(address));
    return counts.reduce((sum, count) => sum + count, await workers.callsUnderWay(addresses));
  };
  const { events, gitCredentials: credentials, serviceSecrets: secrets } = state;
  const { keepsServices, logRetention } = config;
  const running = {
    store,
    auth,
    registry,
    http,
    grpc,
    callsTo,
    events,
    credentials,
    config: state.config,
    secrets,
    logger: of("runtime"),
    paths,
    networkAddress,
  };
  const { runtime, news, start } = createRuntime({ ...running, keepsServices, logRetention });
  parts.own(news);
  parts.own(runtime);
  const backup = backupDeps({ paths, store, state, logger: of("backup"), version });
  const tablesOfCore = createCoreTables({ auth, registry, runtime, store, state, backup, serverLogs }, version);
  for (const table of tablesOfCore) tables.set(table.name, table);
  const proxy = await listeners.proxy();
  const front = await listeners.gateway();
  const starting = readiness.hold("services are being started");
  const open = { open: listeners.openRpc, parts, logger };
  const registryAddress = await listenCorePort(config.registryPort, open);
  const brokerAddress = await listenCorePort(config.brokerPort, open);
  await registerCoreTables(registry, tablesOfCore, proxy.address);
  const addresses = {
    gateway: front.address,
    proxy: proxy.address,
    network: networkAddress,
    ...(registryAddress === undefined ? {} : { registry: registryAddress }),
    ...(brokerAddress === undefined ? {} : { broker: brokerAddress }),
  };
  const { ruleBook, cutoffs } = auth.parts;
  workers = await startWorkers(
    {
      ...edges,
      config,
      addresses,
      tls,
      coreNames: [...tables.keys(), ...reflectionNames],
      publicKey: auth.publicKey,
      feed: { registry, ruleBook, cutoffs, readiness },
      logger,
      relayLine: deps.relay,
      version,
    },
    parts,
  );
  return {
    addresses,
    auth,
    startServices: () => start().finally(starting),
    // The front door first: requests that are inside need the services. Then services, who leave the registry, and what
    // never ends by itself, so that draining waits for work only: watches and logs, then those who listen.
    stop: async () => {
      await Promise.all([front.stop(), workers.drain()]);
      await runtime.stop();
      await news.stop();
      await registry.stop();
      // Those of services started by hand, and of services that are kept, would last until somebody ends them.
      auth.endStreams();
      await state.endStreams();
      await workers.stop();
      await serverLogs.stop();
      await parts.stop();
    },
  };
}
