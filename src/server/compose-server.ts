import { systemClock } from "#base/clock.ts";
import type { ServerFile } from "#base/home.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import type { Logger } from "#base/logger.ts";
import type { Auth } from "#core/auth/auth.ts";
import { MemoryRegistry } from "#core/registry/memory-registry.ts";
import type { ServerLogs } from "#core/runtime/server-logs.ts";
import type { ServiceTable } from "#rpc/method.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { listenCorePort } from "./core-port.ts";
import { createCoreTables, registerCoreTables } from "./core-tables.ts";
import { createEdges } from "./create-edges.ts";
import { createRuntime } from "./create-runtime.ts";
import { listenPart } from "./listen-part.ts";
import { backupDeps } from "./backup-deps.ts";
import { openAuth } from "./open-auth.ts";
import { openState } from "./open-state.ts";
import { OwnedParts } from "./owned-parts.ts";
import type { ServerConfig } from "./server-options.ts";
import { readTlsFiles } from "./tls-files.ts";

/** A server that stands. */
export interface ComposedServer extends Stoppable {
  readonly addresses: Pick<ServerFile, "gateway" | "proxy" | "network" | "registry" | "broker">;
  readonly auth: Auth;
  /** Starts the services that were running; the server answers meanwhile. */
  readonly startServices: () => Promise<void>;
}

export interface ServerDeps {
  readonly config: ServerConfig;
  readonly logger: Logger;
  /** What `logger` wrote, for administrators to read. */
  readonly serverLogs: ServerLogs;
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

async function build({ config, logger, serverLogs, version }: ServerDeps, parts: OwnedParts): Promise<ComposedServer> {
  const { paths } = config;
  const tls = config.tlsFiles === undefined ? {} : { tls: await readTlsFiles(config.tlsFiles) };
  const of = (part: string): Logger => logger.with({ part });
  const { store, auth } = await openAuth({ paths, logger: of("auth") }, parts);
  const state = await openState({ paths, store, logger }, parts);
  const registry = parts.own(new MemoryRegistry({ clock: systemClock }));
  const tables = new Map<string, ServiceTable>();
  const edges = { auth, directory: registry, tables, blobs: state.blobs, logger, version };
  const { rpc, gateway, http, readiness } = createEdges({ ...edges, gatewayOptions: config.gateway }, parts);
  const listenForRpc = (address: string) => () => listenRpc({ address, server: rpc });

  // The network listens first: services, which need it, are started by the runtime behind it.
  const network = parts.own(await listenPart("--network-address", listenForRpc(config.networkAddress)));
  const networkAddress = network.address;
  const { events, gitCredentials: credentials } = state;
  const { keepsServices, logRetention } = config;
  const running = { store, auth, registry, http, events, credentials, logger: of("runtime"), paths, networkAddress };
  const { runtime, news, start } = createRuntime({ ...running, keepsServices, logRetention });
  parts.own(news);
  parts.own(runtime);
  const backup = backupDeps({ paths, store, state, logger: of("backup"), version });
  const core = createCoreTables({ auth, registry, runtime, store, state, backup, serverLogs }, version);
  for (const table of core) tables.set(table.name, table);
  const proxy = parts.own(await listenPart("--proxy-address", listenForRpc(config.proxyAddress)));
  const front = parts.own(await listenPart("--gateway-address", () => gateway.listen(config.gatewayAddress, tls)));
  const starting = readiness.hold("services are being started");
  const open = { open: listenForRpc, parts, logger };
  const registryAddress = await listenCorePort(config.registryPort, open);
  const brokerAddress = await listenCorePort(config.brokerPort, open);
  await registerCoreTables(registry, core, proxy.address);
  return {
    addresses: {
      gateway: front.address,
      proxy: proxy.address,
      network: networkAddress,
      ...(registryAddress === undefined ? {} : { registry: registryAddress }),
      ...(brokerAddress === undefined ? {} : { broker: brokerAddress }),
    },
    auth,
    startServices: () => start().finally(starting),
    // The front door first: requests that are inside need the services. Then services, who leave the registry, and what
    // never ends by itself, so that draining waits for work only: watches and logs, then those who listen.
    stop: async () => {
      await front.stop();
      await runtime.stop();
      await news.stop();
      await registry.stop();
      // Those of services started by hand, and of services that are kept, would last until somebody ends them.
      auth.endStreams();
      await state.endStreams();
      await serverLogs.stop();
      await parts.stop();
    },
  };
}
