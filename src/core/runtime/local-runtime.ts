import { resolve } from "node:path";
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
  UpdateServiceOptions,
} from "#interface/runtime.ts";
import type { RuntimeEventSink } from "#interface/runtime-event.ts";
import type { Store } from "#interface/store.ts";
import { checkServiceKey, mergeOptions } from "./check-service.ts";
import { compareKeys } from "./compare-keys.ts";
import { ControlGroups } from "./control-group.ts";
import { Deployment, type DeploymentOptions } from "./deployment.ts";
import { endSurvivors } from "./end-survivors.ts";
import type { GitCredentials } from "./git-credentials.ts";
import { GitSources, type GitSourcesOptions } from "./git-sources.ts";
import { InstanceNodes } from "./instance-nodes.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { currentBun, type BunRunner } from "./launch-command.ts";
import { Launcher } from "./launcher.ts";
import { OutputPipes } from "./output-pipes.ts";
import type { LogRetention } from "./log-file.ts";
import { prepareRecord, type PrepareRecordDeps } from "./prepare-record.ts";
import { ProcessNotes, type ProcessNote } from "./process-notes.ts";
import { ProcessLimiter } from "./process-limiter.ts";
import { ProcessStarter } from "./process-starter.ts";
import { ServiceLogs } from "./service-logs.ts";
import { givenOptions, type SourceContent } from "./service-source.ts";
import { toServiceStoreKey, type ServiceRecord } from "./service-record.ts";
import { ServiceRecords, sourceStoreKeys } from "./service-records.ts";
import { labelOf } from "./service-label.ts";
import { openSocketFolder } from "./socket-folder.ts";
import { ServiceBuilder, type ServiceBuilderOptions } from "./service-builder.ts";
import { sortSurvivors } from "./sort-survivors.ts";
import { SourceStore } from "./source-store.ts";
import { startInTurns } from "./start-in-turns.ts";

export interface LocalRuntimeDeps {
  readonly store: Store;
  readonly registry: Pick<Registry, "watch">;
  /** The process of an instance is dead: its nodes leave the registry at once. */
  readonly removeInstance: (instance: string) => void;
  readonly identities: LaunchIdentities;
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
  /** Whether a node answers. Never throws. */
  readonly probe: (node: ServiceNode) => Promise<boolean>;
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

/** Everything is done in its turn, and nothing new begins while the runtime stops. */
const stoppingDetail = "the server is stopping";

/** Runs services as processes of this machine. */
export class LocalRuntime implements Runtime, Stoppable {
  /** Uploaded sources; the handlers of uploads use it too. */
  readonly sources: SourceStore;
  readonly #deps: LocalRuntimeDeps;
  readonly #options: LocalRuntimeOptions;
  readonly #git: GitSources;
  readonly #nodes: InstanceNodes;
  readonly #notes: ProcessNotes;
  readonly #pipes: OutputPipes;
  /** Instances that were taken over: their sockets stay. */
  #adopted: ReadonlySet<string> = new Set();
  readonly #logs: ServiceLogs;
  readonly #records: ServiceRecords;
  readonly #launcher: Launcher;
  readonly #builder: ServiceBuilder;
  readonly #preparing: PrepareRecordDeps;
  readonly #limiter: ProcessLimiter;
  readonly #turns = new KeyedQueue();
  readonly #deployments = new Map<string, Deployment>();
  #socketFolder: string | undefined;
  /** Resolves when what is declared is known; before, nothing can be answered truthfully. */
  readonly #ready = Promise.withResolvers<void>();
  #bringingBack: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(deps: LocalRuntimeDeps, options: LocalRuntimeOptions = {}) {
    const { store, clock, logger, bun = currentBun() } = deps;
    const paths = {
      // Services run in folders of their own, where a relative path would mean another place.
      runtimeFolder: resolve(deps.paths.runtimeFolder),
      logsFolder: resolve(deps.paths.logsFolder),
    };
    this.#deps = { ...deps, paths };
    this.#options = options;
    this.sources = new SourceStore({ store, clock, runtimeFolder: paths.runtimeFolder });
    this.#nodes = new InstanceNodes({ registry: deps.registry, logger });
    this.#notes = new ProcessNotes({ folder: `${paths.runtimeFolder}/run`, logger });
    this.#pipes = new OutputPipes(`${paths.runtimeFolder}/run`);
    this.#logs = new ServiceLogs({ logsFolder: paths.logsFolder, clock, logger }, options.logRetention);
    this.#records = new ServiceRecords(deps);
    this.#limiter = new ProcessLimiter({ logger, open: () => ControlGroups.open() });
    const sourceFolder = (sha256: string): string => this.sources.folder(sha256);
    const { serverEnv } = deps;
    const { runtimeFolder } = paths;
    this.#builder = new ServiceBuilder({ runtimeFolder, sourceFolder, bun, serverEnv, logger }, options);
    this.#launcher = new Launcher({
      ...deps,
      bun,
      builder: this.#builder,
      runtimeFolder,
      socketFolder: () => (this.#socketFolder ??= openSocketFolder(runtimeFolder, this.#adopted)),
      sourceFolder,
    });
    this.#git = new GitSources(
      { sources: this.sources, clock, runtimeFolder: paths.runtimeFolder },
      { ...deps, ...options.git },
    );
    this.#preparing = {
      sources: this.sources,
      git: this.#git,
      credentials: deps.credentials,
      launcher: this.#launcher,
      clock,
    };
  }

  /**
   * Reads what is declared, and takes over what still runs of it; the rest comes back in the background, after what else
   * survived of an earlier server was ended. Calls that come before wait for it.
   *
   * @throws MicroError when the store cannot be read.
   */
  async start(): Promise<void> {
    const records = await this.#records.list();
    // Listed before anything is started, so that nothing of ours is taken for a survivor.
    const notes = await this.#notes.list();
    await this.#builder.start();
    const network = this.#deps.networkAddress();
    const { adoptable, others } = sortSurvivors(notes, records, { pipes: this.#pipes, network });
    this.#adopted = new Set([...adoptable.values()].flat().map(({ instance }) => instance));
    this.#nodes.start();
    for (const record of records) {
      this.#deployments.set(toServiceStoreKey(record), this.#deploy(record, adoptable.get(labelOf(record))));
    }
    if (this.#adopted.size > 0) this.#deps.logger.info("took over services", { processes: this.#adopted.size });
    this.#bringingBack = this.#bringBack([...this.#deployments.values()], others);
    this.#ready.resolve();
  }

  /** Ends all services, at the same time, unless they are kept; they stay declared and come back with the next start. */
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
      const { metadata: given, owner, ...rest } = options;
      const metadata = { ...given, ...(owner === undefined ? {} : { owner }) };
      const record = await prepareRecord(this.#preparing, { key, source, options: rest, metadata });
      await this.#records.put(record);
      await present?.stop();
      const deployment = this.#deploy(record);
      this.#deployments.set(storeKey, deployment);
      this.#deps.events.emit({ type: "created", service: record });
      deployment.start();
    });
  }

  async read(filter: {
    readonly namespace: string;
    readonly name?: string;
    readonly version?: string;
  }): Promise<readonly RuntimeService[]> {
    await this.#ready.promise;
    const { namespace, name, version } = filter;
    const matches = ({ record }: Deployment): boolean =>
      (namespace === "*" || record.namespace === namespace) &&
      (name === undefined || record.name === name) &&
      (version === undefined || record.version === version);
    const found = [...this.#deployments.values()].filter(matches).toSorted((a, b) => compareKeys(a.record, b.record));
    return found.map(({ state }) => state);
  }

  async update(key: ServiceKey, source: string, options: UpdateServiceOptions = {}): Promise<void> {
    await this.#inTurn(key, async (storeKey) => {
      const deployment = this.#require(key, storeKey);
      const { record: old } = deployment;
      const { metadata, ...given } = options;
      const next = await prepareRecord(this.#preparing, {
        key,
        source,
        ...(source === "" ? { content: contentOf(old) } : {}),
        options: mergeOptions(givenOptions(old), given),
        metadata: { ...old.metadata, ...metadata },
      });
      try {
        await deployment.replace(next, () => this.#records.put(next));
        this.#deps.events.emit({ type: source === "" ? "restarted" : "updated", service: next });
      } catch (reason) {
        throw await this.#keepOld(deployment, MicroError.from(reason));
      }
    });
    await this.#collect();
  }

  async delete(key: ServiceKey): Promise<void> {
    // An update that builds would hold it up for as long as that takes.
    this.#deployments.get(toServiceStoreKey(key))?.cancelBuild();
    await this.#inTurn(key, async (storeKey) => {
      const deployment = this.#require(key, storeKey);
      await deployment.stop();
      await this.#deps.identities.revoke({ namespace: key.namespace, service: key.name, version: key.version });
      await this.#records.delete(deployment.record);
      this.#deployments.delete(storeKey);
      this.#deps.events.emit({ type: "deleted", service: deployment.record });
      await this.#logs.remove(key);
    });
    await this.#collect();
  }

  async *logs(key: ServiceKey, query: LogQuery): AsyncGenerator<LogLine> {
    await this.#ready.promise;
    this.#require(key, toServiceStoreKey(key));
    yield* this.#logs.for(key).read(query);
  }

  async *buildLog(key: ServiceKey, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    await this.#ready.promise;
    yield* this.#builder.log(this.#require(key, toServiceStoreKey(key)).record, signal);
  }

  #deploy(record: ServiceRecord, adopted: readonly ProcessNote[] = []): Deployment {
    const { probe, clock, events, removeInstance: onGone } = this.#deps;
    const log = this.#logs.for(record);
    const deploymentOf = (instance: string): ServiceKey | undefined =>
      [...this.#deployments.values()].find((each) => each.owns(instance))?.record;
    const own = {
      launcher: this.#launcher,
      builder: this.#builder,
      log,
      nodes: this.#nodes,
      starter: new ProcessStarter({ log, notes: this.#notes, pipes: this.#pipes, clock, limiter: this.#limiter }),
      deploymentOf,
    };
    return new Deployment(record, { ...own, probe, clock, events, onGone }, { ...this.#options, adopted });
  }

  async #keepOld(deployment: Deployment, error: MicroError): Promise<MicroError> {
    const { record } = deployment;
    // That the server stops is not a fault of the new version.
    if (this.#stopped !== undefined) return new MicroError("unavailable", stoppingDetail, { cause: error });
    const noted = { ...record, error: `the last update failed: ${error.detail}` };
    await this.#records.put(noted);
    deployment.note(noted);
    this.#deps.events.emit({ type: "rolled_back", service: record, reason: error.detail });
    const what = `${record.name}:${record.version}`;
    const detail = `update of ${what} failed, the version before stays: ${error.detail}`;
    return new MicroError(error.code, detail, { cause: error });
  }

  #inTurn<T>(key: ServiceKey, task: (storeKey: string) => Promise<T>): Promise<T> {
    const storeKey = toServiceStoreKey(key);
    return this.#turns.run(storeKey, async () => {
      await this.#ready.promise;
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

  async #bringBack(deployments: readonly Deployment[], survivors: readonly ProcessNote[]): Promise<void> {
    const { logger, removeInstance: onGone, paths } = this.#deps;
    try {
      const { runtimeFolder } = paths;
      await endSurvivors(survivors, { notes: this.#notes, pipes: this.#pipes, logger, onGone, runtimeFolder });
      await this.#builder.removeLeftovers();
      await this.sources.removeLeftovers();
      await this.#git.removeLeftovers();
      await startInTurns(deployments, () => this.#stopped === undefined);
      await this.#collect();
    } catch (reason) {
      logger.error("the runtime could not bring everything back", { error: MicroError.from(reason) });
    }
  }

  /** Rubbish that stays is no reason to fail what was asked for; the next time takes it along. */
  async #collect(): Promise<void> {
    const records = [...this.#deployments.values()].map(({ record }) => record);
    const keys = new Set(records.flatMap(sourceStoreKeys));
    try {
      const mark = this.sources.workMark;
      await this.#builder.collect(records, () => mark !== undefined && this.sources.workMark === mark);
      await this.sources.collect({ hashes: new Set(records.map(({ sha256 }) => sha256)), keys });
      await this.#git.collect();
    } catch (reason) {
      this.#deps.logger.warn("unused sources and builds could not be removed", { error: MicroError.from(reason) });
    }
  }

  async #stop(): Promise<void> {
    this.#ready.resolve();
    await this.#git.stop();
    const { keepsServices = false } = this.#options;
    const stopAll = (): Promise<unknown> =>
      Promise.all([...this.#deployments.values()].map((each) => (keepsServices ? each.release() : each.stop())));
    await stopAll();
    await Promise.all([this.#turns.idle(), this.#bringingBack]);
    // What was about to be created when the stop began.
    await stopAll();
    await this.#nodes.stop();
    await this.#limiter.stop();
    await this.#logs.close();
  }
}

function contentOf({ source, sha256, folder, git }: ServiceRecord): SourceContent {
  return { source, sha256, ...(folder === undefined ? {} : { folder }), ...(git === undefined ? {} : { git }) };
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
