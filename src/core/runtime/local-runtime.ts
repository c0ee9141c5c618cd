import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import type { Logger } from "#base/logger.ts";
import type { LaunchIdentities } from "#interface/auth.ts";
import type { Registry, ServiceNode } from "#interface/registry.ts";
import type {
  CreateServiceOptions,
  LogLine,
  LogQuery,
  Runtime,
  RuntimeService,
  ServiceKey,
} from "#interface/runtime.ts";
import type { Store } from "#interface/store.ts";
import { checkCreateOptions, checkServiceKey } from "./check-service.ts";
import { Deployment, type DeploymentOptions } from "./deployment.ts";
import { endSurvivors } from "./end-survivors.ts";
import { InstanceNodes } from "./instance-nodes.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { currentBun, type BunRunner } from "./launch-command.ts";
import { Launcher } from "./launcher.ts";
import { ProcessNotes } from "./process-notes.ts";
import { runtimeScope } from "./runtime-scope.ts";
import { ServiceLogs } from "./service-logs.ts";
import { decodeServiceRecord, encodeServiceRecord, toServiceStoreKey, type ServiceRecord } from "./service-record.ts";
import { openSocketFolder } from "./socket-folder.ts";
import { parseSourceId, toSourceStoreKey } from "./source-record.ts";
import { SourceStore } from "./source-store.ts";
import { startInTurns } from "./start-in-turns.ts";

export interface LocalRuntimeDeps {
  readonly store: Store;
  readonly registry: Pick<Registry, "watch">;
  /** The process of an instance is dead: its nodes leave the registry at once. */
  readonly removeInstance: (instance: string) => void;
  readonly identities: LaunchIdentities;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly paths: { readonly runtimeFolder: string; readonly logsFolder: string };
  /** `host:port` of the network, asked at each launch. */
  readonly networkAddress: () => string;
  /** Base64 of the PEM public key that verifies tokens. */
  readonly publicKey: string;
  /** Whether a node answers. Never throws. */
  readonly probe: (node: ServiceNode) => Promise<boolean>;
  /** Puts the framework at `<runtimeFolder>/node_modules/micro-ts`; called before the first launch. */
  readonly provideSdk: (runtimeFolder: string) => Promise<void>;
  /** What runs TypeScript. @default currentBun(): the Bun of this process */
  readonly bun?: BunRunner;
  /** The server's own environment, of which services get PATH, LANG, LC_ALL and TZ. */
  readonly serverEnv: Readonly<Record<string, string | undefined>>;
}

export interface LocalRuntimeOptions extends DeploymentOptions {
  /** Names that no service may have in the namespace of the installation: those of the core services. */
  readonly reservedNames?: ReadonlySet<string>;
}

/** Everything is done in its turn, and nothing new begins while the runtime stops. */
const stoppingDetail = "the server is stopping";

/** Runs services as processes of this machine. */
export class LocalRuntime implements Runtime, Stoppable {
  /** Uploaded sources; the handlers of uploads use it too. */
  readonly sources: SourceStore;
  readonly #deps: LocalRuntimeDeps;
  readonly #options: LocalRuntimeOptions;
  readonly #nodes: InstanceNodes;
  readonly #notes: ProcessNotes;
  readonly #logs: ServiceLogs;
  readonly #launcher: Launcher;
  readonly #turns = new KeyedQueue();
  readonly #deployments = new Map<string, Deployment>();
  #socketFolder: string | undefined;
  #bringingBack: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(deps: LocalRuntimeDeps, options: LocalRuntimeOptions = {}) {
    const { store, clock, logger, paths, bun = currentBun() } = deps;
    this.#deps = deps;
    this.#options = options;
    this.sources = new SourceStore({ store, clock, runtimeFolder: paths.runtimeFolder });
    this.#nodes = new InstanceNodes({ registry: deps.registry, logger });
    this.#notes = new ProcessNotes(`${paths.runtimeFolder}/run`);
    this.#logs = new ServiceLogs({ logsFolder: paths.logsFolder, clock, logger });
    this.#launcher = new Launcher({
      ...deps,
      bun,
      runtimeFolder: paths.runtimeFolder,
      socketFolder: () => (this.#socketFolder ??= openSocketFolder(paths.runtimeFolder)),
      sourceFolder: (sha256) => this.sources.folder(sha256),
    });
  }

  /**
   * Reads what is declared; services come back in the background, after what survived of an earlier server was ended.
   *
   * @throws MicroError when the store cannot be read.
   */
  async start(): Promise<void> {
    for (const { key, value } of await this.#deps.store.list(runtimeScope, { prefix: "service:" })) {
      this.#deployments.set(key, this.#deploy(decodeServiceRecord(key, value)));
    }
    this.#nodes.start();
    this.#bringingBack = this.#bringBack([...this.#deployments.values()]);
  }

  /** Ends all services, at the same time; they stay declared and come back with the next start. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Resolves when every service that was declared at the start has been started, or has failed to. */
  async broughtBack(): Promise<void> {
    await this.#bringingBack;
  }

  async create(
    key: ServiceKey,
    source: string,
    options: CreateServiceOptions & { readonly metadata?: RuntimeService["metadata"]; readonly owner?: string },
  ): Promise<void> {
    checkServiceKey(key, this.#options.reservedNames);
    await this.#inTurn(key, async (storeKey) => {
      const present = this.#deployments.get(storeKey);
      if (present !== undefined && isUp(present)) throw alreadyRuns(key);
      const { metadata = {}, owner, ...rest } = options;
      const record = await this.#prepare(key, source, {
        options: rest,
        metadata: { ...metadata, ...(owner === undefined ? {} : { owner }) },
      });
      await this.#write(record);
      await present?.stop();
      const deployment = this.#deploy(record);
      this.#deployments.set(storeKey, deployment);
      deployment.start();
    });
  }

  async read(filter: {
    readonly namespace: string;
    readonly name?: string;
    readonly version?: string;
  }): Promise<readonly RuntimeService[]> {
    const { namespace, name, version } = filter;
    const matches = ({ record }: Deployment): boolean =>
      (namespace === "*" || record.namespace === namespace) &&
      (name === undefined || record.name === name) &&
      (version === undefined || record.version === version);
    const keys = [...this.#deployments.keys()].sort();
    return keys.flatMap((key) => {
      const deployment = this.#deployments.get(key);
      return deployment !== undefined && matches(deployment) ? [deployment.state] : [];
    });
  }

  async update(key: ServiceKey, source: string, options: CreateServiceOptions = {}): Promise<void> {
    await this.#inTurn(key, async (storeKey) => {
      const deployment = this.#require(key, storeKey);
      const { record: old } = deployment;
      const next = await this.#prepare(key, source === "" ? old.source : source, {
        options: { ...old.options, ...options },
        metadata: old.metadata,
        ...(source === "" ? { sha256: old.sha256 } : {}),
      });
      try {
        await deployment.replace(next, () => this.#write(next));
      } catch (reason) {
        throw await this.#keepOld(deployment, MicroError.from(reason));
      }
    });
    await this.#collect();
  }

  async delete(key: ServiceKey): Promise<void> {
    await this.#inTurn(key, async (storeKey) => {
      const deployment = this.#require(key, storeKey);
      await deployment.stop();
      await this.#deps.identities.revoke({ namespace: key.namespace, service: key.name, version: key.version });
      const sourceKey = sourceKeyOf(deployment.record);
      await this.#deps.store.write(
        [storeKey, ...(sourceKey === undefined ? [] : [sourceKey])].map((each) => ({
          kind: "delete",
          scope: runtimeScope,
          key: each,
        })),
      );
      this.#deployments.delete(storeKey);
      await this.#logs.remove(key);
    });
    await this.#collect();
  }

  async *logs(key: ServiceKey, query: LogQuery): AsyncGenerator<LogLine> {
    this.#require(key, toServiceStoreKey(key));
    yield* this.#logs.for(key).read(query);
  }

  #deploy(record: ServiceRecord): Deployment {
    const { probe, clock, removeInstance: onGone } = this.#deps;
    const log = this.#logs.for(record);
    const deps = { launcher: this.#launcher, log, nodes: this.#nodes, notes: this.#notes, probe, clock, onGone };
    return new Deployment(record, deps, this.#options);
  }

  /** A record that can run: its source is here, and holds something to run. */
  async #prepare(
    key: ServiceKey,
    source: string,
    said: Pick<ServiceRecord, "options" | "metadata"> & { readonly sha256?: string },
  ): Promise<ServiceRecord> {
    const { sourceNamespace, ...options } = checkCreateOptions(said.options);
    const sha256 = said.sha256 ?? (await this.#findSource(key, source, sourceNamespace));
    const { namespace, name, version } = key;
    const updatedAtMs = this.#deps.clock.now();
    const record = { namespace, name, version, source, sha256, options, metadata: said.metadata, updatedAtMs };
    await this.#launcher.resolve(record);
    return record;
  }

  async #findSource(key: ServiceKey, source: string, otherNamespace: string | undefined): Promise<string> {
    const id = parseSourceId(source);
    if (id === undefined) {
      const detail = `source ${JSON.stringify(source)} cannot be run: upload a folder first (micro run FOLDER)`;
      throw new MicroError(source === "" ? "invalid_argument" : "unimplemented", detail);
    }
    for (const namespace of [key.namespace, otherNamespace ?? key.namespace]) {
      const sha256 = await this.sources.resolve({ namespace, ...id });
      if (sha256 !== undefined && this.sources.has(sha256)) return sha256;
    }
    throw new MicroError("invalid_argument", `source ${source} was not uploaded to namespace ${key.namespace}`);
  }

  async #keepOld(deployment: Deployment, error: MicroError): Promise<MicroError> {
    const { record } = deployment;
    // That the server stops is not a fault of the new version.
    if (this.#stopped !== undefined) return new MicroError("unavailable", stoppingDetail, { cause: error });
    const noted = { ...record, error: `the last update failed: ${error.detail}` };
    await this.#write(noted);
    deployment.note(noted);
    const what = `${record.name}:${record.version}`;
    const detail = `update of ${what} failed, the version before stays: ${error.detail}`;
    return new MicroError(error.code, detail, { cause: error });
  }

  async #write(record: ServiceRecord): Promise<void> {
    const value = encodeServiceRecord(record);
    await this.#deps.store.write([{ kind: "put", scope: runtimeScope, key: toServiceStoreKey(record), value }]);
  }

  #inTurn<T>(key: ServiceKey, task: (storeKey: string) => Promise<T>): Promise<T> {
    const storeKey = toServiceStoreKey(key);
    return this.#turns.run(storeKey, async () => {
      if (this.#stopped !== undefined) throw new MicroError("unavailable", stoppingDetail, { at: "runtime" });
      return this.sources.holding(() => task(storeKey));
    });
  }

  #require(key: ServiceKey, storeKey: string): Deployment {
    const found = this.#deployments.get(storeKey);
    if (found !== undefined) return found;
    throw new MicroError(
      "not_found",
      `service ${key.name}:${key.version} is not deployed in namespace ${key.namespace}`,
    );
  }

  async #bringBack(deployments: readonly Deployment[]): Promise<void> {
    const { logger, removeInstance: onGone } = this.#deps;
    try {
      await endSurvivors({ notes: this.#notes, logger, onGone });
      await this.sources.removeLeftovers();
      await startInTurns(deployments, () => this.#stopped === undefined);
      await this.#collect();
    } catch (reason) {
      logger.error("the runtime could not bring everything back", { error: MicroError.from(reason) });
    }
  }

  /** Rubbish that stays is no reason to fail what was asked for; the next time takes it along. */
  async #collect(): Promise<void> {
    const records = [...this.#deployments.values()].map(({ record }) => record);
    const keys = new Set(records.flatMap((record) => sourceKeyOf(record) ?? []));
    try {
      await this.sources.collect({ hashes: new Set(records.map(({ sha256 }) => sha256)), keys });
    } catch (reason) {
      this.#deps.logger.warn("unused sources could not be removed", { error: MicroError.from(reason) });
    }
  }

  async #stop(): Promise<void> {
    const stopAll = (): Promise<unknown> => Promise.all([...this.#deployments.values()].map((each) => each.stop()));
    await stopAll();
    await Promise.all([this.#turns.idle(), this.#bringingBack]);
    // What was about to be created when the stop began.
    await stopAll();
    await this.#nodes.stop();
    await this.#logs.close();
  }
}

function isUp(deployment: Deployment): boolean {
  const { status } = deployment.state;
  return status !== "error" && status !== "stopped";
}

function alreadyRuns({ name, version, namespace }: ServiceKey): MicroError {
  return new MicroError(
    "conflict",
    `service ${name}:${version} runs already in namespace ${namespace}; use update, or --force`,
  );
}

function sourceKeyOf({ namespace, source }: ServiceRecord): string | undefined {
  const id = parseSourceId(source);
  return id === undefined ? undefined : toSourceStoreKey({ namespace, ...id });
}
