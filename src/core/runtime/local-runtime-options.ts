import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/logger.ts";
import type { LaunchIdentities } from "#interface/auth.ts";
import type { Config } from "#interface/config.ts";
import type { InstanceTraffic, Registry, ServiceNode } from "#interface/registry.ts";
import type { RuntimeEventSink } from "#interface/runtime-event.ts";
import type { Store } from "#interface/store.ts";
import type { HttpClient } from "#rpc/http-client.ts";
import type { Transport } from "#rpc/transport.ts";
import type { DeploymentOptions } from "./deployment.ts";
import type { GitCredentials } from "./git-credentials.ts";
import type { GitSourcesOptions } from "./git-sources.ts";
import type { BunRunner } from "./launch-command.ts";
import type { LogRetention } from "./log-file.ts";
import type { ServiceBuilderOptions } from "./service-builder.ts";
import type { ServiceSecrets } from "./service-secrets.ts";
import type { NodeHealth } from "./watch-health.ts";

export interface LocalRuntimeDeps {
  readonly store: Store;
  readonly registry: InstanceTraffic & Pick<Registry, "register">;
  /** How services that know nothing of Micro are called. */
  readonly http: HttpClient;
  readonly grpc: Transport;
  readonly identities: LaunchIdentities;
  /** Where variables of services may stand. */
  readonly config: Pick<Config, "read">;
  /** Secrets of services. */
  readonly secrets: ServiceSecrets;
  /** What opens private repositories. */
  readonly credentials: GitCredentials;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Told what happens to services. */
  readonly events: RuntimeEventSink;
  readonly paths: { readonly runtimeFolder: string; readonly logsFolder: string };
  /** `host:port` of the network, asked at each launch. */
  readonly networkAddress: () => string;
  /** Base64 of the PEM public key that verifies tokens. */
  readonly publicKey: string;
  /** How a node is. Never throws. */
  readonly probe: (node: ServiceNode) => Promise<NodeHealth>;
  /** Calls to these addresses that are under way. */
  readonly callsTo: (addresses: readonly string[]) => Promise<number>;
  /** Puts the framework at `<runtimeFolder>/node_modules/micro-ts`; called before the first launch. */
  readonly provideSdk: (runtimeFolder: string) => Promise<void>;
  /** What runs TypeScript. @default currentBun(): the Bun of this process */
  readonly bun?: BunRunner;
  /** The server's own environment, of which services get PATH, LANG, LC_ALL and TZ. */
  readonly serverEnv: Readonly<Record<string, string | undefined>>;
}

export interface LocalRuntimeOptions extends DeploymentOptions, ServiceBuilderOptions {
  /** Names that no service may have in the namespace of the installation: those of the core services. */
  readonly reservedNames?: ReadonlySet<string>;
  /** Whether a stop leaves services running, for the next server to take over. @default false */
  readonly keepsServices?: boolean;
  /** Limits of fetching sources with git. */
  readonly git?: Omit<GitSourcesOptions, "serverEnv">;
  /** What is kept of the log of a service. */
  readonly logRetention?: LogRetention;
}
