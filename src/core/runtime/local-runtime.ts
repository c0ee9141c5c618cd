import { resolve } from "node:path";
import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import type {
  CreateServiceOptions,
  LogLine,
  LogQuery,
  Runtime,
  RuntimeService,
  ServiceKey,
  UpdateServiceOptions,
} from "#interface/runtime.ts";
import { checkServiceKey } from "./check-service.ts";
import { compareKeys } from "./compare-keys.ts";
import { ControlGroups } from "./control-group.ts";
import { Deployment } from "./deployment.ts";
import { endSurvivors } from "./end-survivors.ts";
import { GitSources } from "./git-sources.ts";
import type { InstanceTrouble } from "./instance.ts";
import { InstanceNodes } from "./instance-nodes.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { currentBun } from "./launch-command.ts";
import { Launcher } from "./launcher.ts";
import type { LocalRuntimeDeps, LocalRuntimeOptions } from "./local-runtime-options.ts";
import { OutputPipes } from "./output-pipes.ts";
import { prepareRecord, type PrepareRecordDeps } from "./prepare-record.ts";
import { ProcessNotes, type ProcessNote } from "./process-notes.ts";
import { PlainServices } from "./plain-services.ts";
import { ProcessLimiter } from "./process-limiter.ts";
import { ProcessStarter } from "./process-starter.ts";
import { ServiceChanges, stoppingDetail } from "./service-changes.ts";
import { ServiceLogs } from "./service-logs.ts";
import { toServiceStoreKey, type ServiceRecord } from "./service-record.ts";
import { ServiceRecords, sourceStoreKeys } from "./service-records.ts";
import { labelOf } from "./service-label.ts";
import { openSocketFolder, socketPath } from "./socket-folder.ts";
import { ServiceBuilder } from "./service-builder.ts";
import { sortSurvivors } from "./sort-survivors.ts";
import { ServiceVariables } from "./service-variables.ts";
import { SourceStore } from "./source-store.ts";
import { everyVersion } from "./service-revision.ts";
import { StrayProcesses } from "./stray-processes.ts";
import { startInTurns } from "./start-in-turns.ts";

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
  readonly #strays: StrayProcesses;
  readonly #plain: PlainServices;
  readonly #changes: ServiceChanges;
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
    this.#nodes = new InstanceNodes(deps.registry);
    this.#notes = new ProcessNotes({ folder: `${paths.runtimeFolder}/run`, logger });
    this.#pipes = new OutputPipes(`${paths.runtimeFolder}/run`);
    this.#strays = new StrayProcesses(paths.runtimeFolder);
    this.#logs = new ServiceLogs({ logsFolder: paths.logsFolder, clock, logger }, options.logRetention);
    this.#records = new ServiceRecords(deps);
    this.#plain = new PlainServices({
      ...deps,
      nodes: this.#nodes,
      reservedNames: options.reservedNames ?? new Set(),
      socketPath: (instance) => socketPath(this.#openSockets(), `${instance}-plain`),
    });
    this.#limiter = new ProcessLimiter({ logger, open: () => ControlGroups.open() });
    const sourceFolder = (sha256: string): string => this.sources.folder(sha256);
    const { serverEnv } = deps;
    const { runtimeFolder } = paths;
    const variables = new ServiceVariables(deps);
    this.#builder = new ServiceBuilder({ runtimeFolder, sourceFolder, bun, serverEnv, logger, variables }, options);
    this.#launcher = new Launcher({
      ...deps,
      bun,
      builder: this.#builder,
      variables,
      runtimeFolder,
      socketFolder: () => this.#openSockets(),
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
      secrets: deps.secrets,
      launcher: this.#launcher,
      clock,
    };
    const { events } = deps;
    const isStopping = (): boolean => this.#stopped !== undefined;
    this.#changes = new ServiceChanges({
      records: this.#records,
      preparing: this.#preparing,
      events,
      clock,
      isStopping,
    });
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

  update(key: ServiceKey, source: string, options: UpdateServiceOptions = {}): Promise<void> {
    return this.#change(key, (deployment) => this.#changes.update(deployment, source, options));
  }

  restart(key: ServiceKey): Promise<void> {
    return this.#change(key, (deployment) => this.#changes.restart(deployment));
  }

  scale(key: ServiceKey, instances: number): Promise<void> {
    return this.#change(key, (deployment) => this.#changes.scale(deployment, instances));
  }

  rollback(key: ServiceKey): Promise<void> {
    return this.#change(key, (deployment) => this.#changes.rollback(deployment));
  }

  promote(key: ServiceKey): Promise<void> {
    return this.#change(key, (deployment) => this.#changes.promote(deployment));
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

  #openSockets(): string {
    return (this.#socketFolder ??= openSocketFolder(this.#deps.paths.runtimeFolder, this.#adopted));
  }

  #deploy(record: ServiceRecord, adopted: readonly ProcessNote[] = []): Deployment {
    const { registry: traffic, probe, callsTo, clock, events } = this.#deps;
    const log = this.#logs.for(record);
    const deploymentOf = (instance: string): ServiceKey | undefined =>
      [...this.#deployments.values()].find((each) => each.owns(instance))?.record;
    const own = {
      launcher: this.#launcher,
      builder: this.#builder,
      log,
      nodes: this.#nodes,
      starter: new ProcessStarter({
        log,
        notes: this.#notes,
        pipes: this.#pipes,
        clock,
        limiter: this.#limiter,
        strays: this.#strays,
        plain: this.#plain,
      }),
      deploymentOf,
    };
    const onTrouble = (revision: string, trouble: InstanceTrouble): void => {
      // It reports its own failures, and its turn is awaited when the runtime stops.
      void this.#answerTrouble(record, revision, trouble);
    };
    return new Deployment(
      record,
      { ...own, traffic, probe, callsTo, clock, events, onTrouble },
      { ...this.#options, adopted },
    );
  }

  async #change(key: ServiceKey, change: (deployment: Deployment) => Promise<void>): Promise<void> {
    await this.#inTurn(key, (storeKey) => change(this.#require(key, storeKey)));
    await this.#collect();
  }

  /** A new version that does not live is taken back; asked again in its turn, since somebody may have been faster. */
  async #answerTrouble(key: ServiceKey, revision: string, trouble: InstanceTrouble): Promise<void> {
    const storeKey = toServiceStoreKey(key);
    const found = this.#deployments.get(storeKey);
    if (found === undefined || !this.#changes.isToBeTakenBack(found, revision, trouble)) return;
    const reason = `taken back, the new version did not live: ${trouble.reason}`;
    try {
      await this.#change(key, async (deployment) => {
        if (!this.#changes.isToBeTakenBack(deployment, revision, trouble)) return;
        await this.#changes.rollback(deployment, reason);
      });
    } catch (cause) {
      if (this.#stopped !== undefined) return;
      this.#deps.logger.warn("a new version could not be taken back", {
        service: key.name,
        error: MicroError.from(cause),
      });
    }
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
    const { logger, registry, paths } = this.#deps;
    const onGone = (instance: string): void => void registry.removeInstance(instance);
    try {
      const { runtimeFolder } = paths;
      this.#strays.endOthers(new Set([...this.#adopted, ...survivors.map(({ instance }) => instance)]));
      await endSurvivors(survivors, {
        notes: this.#notes,
        pipes: this.#pipes,
        strays: this.#strays,
        logger,
        onGone,
        runtimeFolder,
      });
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
    const versions = records.flatMap(everyVersion);
    const keys = new Set(records.flatMap(sourceStoreKeys));
    try {
      const mark = this.sources.workMark;
      await this.#builder.collect(versions, () => mark !== undefined && this.sources.workMark === mark);
      await this.sources.collect({ hashes: new Set(versions.map(({ sha256 }) => sha256)), keys });
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
      Promise.all(
        [...this.#deployments.values()].map((each) => (keepsServices ? each.release() : each.stop({ drains: false }))),
      );
    await stopAll();
    await Promise.all([this.#turns.idle(), this.#bringingBack]);
    // What was about to be created when the stop began.
    await stopAll();
    this.#nodes.stop();
    await this.#plain.stop();
    await this.#limiter.stop();
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
