import { systemClock } from "#base/clock.ts";
import type { HomePaths } from "#base/home.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import type { Logger } from "#base/logger.ts";
import type { Auth } from "#core/auth/auth.ts";
import type { MemoryRegistry } from "#core/registry/memory-registry.ts";
import type { GitCredentials } from "#core/runtime/git-credentials.ts";
import type { LogRetention } from "#core/runtime/log-file.ts";
import type { ServiceSecrets } from "#core/runtime/service-secrets.ts";
import { LocalRuntime } from "#core/runtime/local-runtime.ts";
import { RuntimeEventPublisher } from "#core/runtime/runtime-event-publisher.ts";
import type { Events } from "#interface/events.ts";
import type { Config } from "#interface/config.ts";
import type { Store } from "#interface/store.ts";
import type { HttpClient } from "#rpc/http-client.ts";
import type { Transport } from "#rpc/transport.ts";
import { probeNode } from "./probe-node.ts";
import { provideSdk } from "./provide-sdk.ts";

/** Names that no service of a user may take. */
const coreNames: ReadonlySet<string> = new Set([
  "auth",
  "backup",
  "blobs",
  "broker",
  "config",
  "events",
  "registry",
  "runtime",
  "store",
]);

export interface RuntimeDeps {
  readonly store: Store;
  readonly auth: Auth;
  readonly registry: MemoryRegistry;
  readonly http: HttpClient;
  readonly grpc: Transport;
  /** Calls to these addresses that are under way, from whichever process of the server. */
  readonly callsTo: (addresses: readonly string[]) => Promise<number>;
  /** Where the runtime tells what happens. */
  readonly events: Events;
  readonly config: Pick<Config, "read">;
  readonly secrets: ServiceSecrets;
  readonly credentials: GitCredentials;
  readonly logger: Logger;
  readonly paths: HomePaths;
  /** What is kept of the log of a service. */
  readonly logRetention: LogRetention;
  /** `host:port` of the network. */
  readonly networkAddress: string;
  /** Whether a stop leaves services running. */
  readonly keepsServices: boolean;
}

export interface ServerRuntime {
  readonly runtime: LocalRuntime;
  /** What it told and is not written yet. */
  readonly news: Stoppable;
  /** Starts the services that are declared. */
  readonly start: () => Promise<void>;
}

/** The runtime for processes of this machine. */
export function createRuntime(deps: RuntimeDeps): ServerRuntime {
  const {
    store,
    auth,
    registry,
    http,
    grpc,
    callsTo,
    events,
    config,
    secrets,
    credentials,
    logger,
    paths,
    networkAddress,
    keepsServices,
    logRetention,
  } = deps;
  const news = new RuntimeEventPublisher({ events, clock: systemClock, logger });
  let provided: Promise<void> | undefined;
  const provide = (): Promise<void> => (provided ??= provideSdk(paths.runtimeFolder));
  const runtime = new LocalRuntime(
    {
      store,
      registry,
      http,
      grpc,
      identities: auth.identities,
      config,
      secrets,
      credentials,
      logger,
      clock: systemClock,
      events: news,
      paths,
      networkAddress: () => networkAddress,
      publicKey: auth.publicKey,
      probe: (node) => probeNode(http, node),
      callsTo,
      provideSdk: provide,
      serverEnv: process.env,
    },
    { reservedNames: coreNames, keepsServices, logRetention },
  );
  return {
    runtime,
    news,
    start: async () => {
      await runtime.start();
      // Made ready before anybody waits for it; a failure is told to whoever starts a service.
      await provide().catch(() => (provided = undefined));
    },
  };
}
