import { MicroError } from "#base/error.ts";
import type { InstanceState, RuntimeService, ServiceStatus } from "#interface/runtime.ts";
import { BuildStep } from "./build-step.ts";
import { Instance, type InstanceDeps, type InstanceTrouble, type StopOptions } from "./instance.ts";
import type { Launcher } from "./launcher.ts";
import type { ProcessNote } from "./process-notes.ts";
import { rollOver, startAll, stopInstances, type RollOverOptions } from "./roll-over.ts";
import { startInTurns } from "./start-in-turns.ts";
import { namedPort, resolveRunSettings } from "./run-settings.ts";
import type { Builder } from "./service-builder.ts";
import { instanceCount, type ServiceRecord } from "./service-record.ts";
import { canaryCount, withRevision } from "./service-revision.ts";
import type { HealthOptions } from "./watch-health.ts";

export interface DeploymentDeps extends Omit<InstanceDeps, "prepare" | "onTrouble"> {
  readonly launcher: Launcher;
  readonly builder: Builder;
  /** A process of this revision ended by itself, or hung. */
  readonly onTrouble: (revision: string, trouble: InstanceTrouble) => void;
}

export interface DeploymentOptions extends HealthOptions {
  /** @default limits.serviceStartTimeoutMs */
  readonly startTimeoutMs?: number;
  /** @default limits.serviceStopGraceMs */
  readonly stopGraceMs?: number;
}

/** Digits of a build's hash that are shown. */
const buildLength = 7;

/** What a change keeps of the present processes: those for which it is true. @default none */
type Keeps = (instance: Instance) => boolean;

/** A declared service with its processes. Its owner lets one change at a time happen. */
export class Deployment {
  readonly #deps: DeploymentDeps;
  readonly #options: DeploymentOptions;
  readonly #build: BuildStep;
  #starting: Promise<void> = Promise.resolve();
  #startingInTurns: Promise<void> = Promise.resolve();
  /** Hash of the build that runs. */
  #built: string | undefined;
  #record: ServiceRecord;
  #instances: readonly Instance[];
  /** Processes of the version that gets a share of the calls. */
  #canaries: readonly Instance[];
  /** Processes that come or go with a change under way. */
  #passing: readonly Instance[] = [];
  #isStopping = false;

  /** @param adopted processes of it that a server before left running; they are looked after from now on. */
  constructor(
    record: ServiceRecord,
    deps: DeploymentDeps,
    options: DeploymentOptions & { readonly adopted?: readonly ProcessNote[] } = {},
  ) {
    const { adopted = [], ...rest } = options;
    this.#record = record;
    this.#deps = deps;
    this.#options = rest;
    this.#build = new BuildStep(deps);
    const ofRevision = (revision: string | undefined): readonly ProcessNote[] =>
      adopted.filter((note) => note.revision === revision);
    this.#instances = this.#create(record, instanceCount(record), ofRevision(record.revision));
    this.#canaries = this.#createCanaries(record, ofRevision(record.canary?.next.revision));
    for (const each of this.#all) if (each.isAdopted) each.start();
  }

  get record(): ServiceRecord {
    return this.#record;
  }

  get state(): RuntimeService {
    const { namespace, name, version, metadata, source, git, updatedAtMs, canary } = this.#record;
    const running = [...this.#instances, ...this.#canaries];
    const instances = running.map((each) => each.state);
    const status = this.#withBuild(combineStatus(instances));
    const error = instances.find((each) => each.error !== undefined)?.error ?? this.#build.error ?? this.#record.error;
    const serviceName = running.find((each) => each.serviceName !== undefined)?.serviceName ?? name;
    return {
      namespace,
      name,
      version,
      metadata,
      updatedAtMs,
      instances,
      status,
      source: git === undefined ? (metadata["source"] ?? source) : `${git.place}@${git.ref}`,
      ...(git === undefined ? {} : { commit: git.commit }),
      ...(canary === undefined ? {} : { canaryPercent: canary.percent }),
      ...(serviceName === name ? {} : { serviceName }),
      ...(this.#built === undefined ? {} : { build: this.#built.slice(0, buildLength) }),
      ...(error === undefined ? {} : { error }),
    };
  }

  /** True when there is something that a failed change must not take away. */
  get hasAnswered(): boolean {
    return this.#instances.some((each) => each.hasAnswered);
  }

  /** Whether one of its processes is that instance. */
  owns(instance: string): boolean {
    return this.#all.some(({ id }) => id === instance);
  }

  /** Builds, then starts; what comes of it is seen in `state`. */
  start(): void {
    this.#starting = this.#buildAndStart();
  }

  /** Resolves when the first attempt of every process to start has ended, well or not. */
  async settled(): Promise<void> {
    await this.#starting;
    if (this.#build.error !== undefined) return;
    await Promise.all([...this.#instances, ...this.#canaries].map((each) => each.firstStart));
  }

  /**
   * Puts what this record says in the place of what runs, a few processes at a time. Where the old never answered there is
   * nothing to protect: it is stopped first, and what becomes of the new is seen in `state`. A canary ends, unless it is
   * kept.
   *
   * @param commit makes the new record durable; called before the last of the old is stopped.
   * @throws MicroError `failed_precondition` with the reason when the new cannot be built or does not answer; the old keeps running.
   */
  async replace(record: ServiceRecord, commit: () => Promise<void>, keeps: Keeps = () => false): Promise<void> {
    const present = [...this.#instances, ...this.#canaries];
    const kept = present.filter(keeps);
    if (!this.hasAnswered) {
      await this.#startOver(record, commit, kept);
      return;
    }
    const { hash } = await this.#build.run(record);
    // Two cannot listen at one port.
    if (namedPort(resolveRunSettings(record.options, record.manifest)) !== undefined) {
      await this.#startOver(record, commit, kept);
      return;
    }
    const canaries = this.#canaries.filter(keeps);
    await this.#roll(record, commit, {
      kept,
      old: present.filter((each) => !kept.includes(each)),
      onStep: (serving, passing) => {
        this.#canaries = canaries.filter((each) => serving.includes(each));
        this.#instances = serving.filter((each) => !this.#canaries.includes(each));
        this.#passing = passing;
      },
    });
    this.#built = hash;
    this.#canaries = [];
    for (const each of canaries) each.promote();
  }

  /** Another number of processes of the same. @throws MicroError as `replace` does; there are as many as before then. */
  async scale(record: ServiceRecord, commit: () => Promise<void>): Promise<void> {
    if (!this.hasAnswered) return this.#startOver(record, commit, this.#instances);
    await this.#roll(record, commit, {
      kept: this.#instances,
      old: [],
      onStep: (serving, passing) => {
        this.#instances = serving;
        this.#passing = passing;
      },
    });
  }

  /** Starts the canary that the record names beside what runs. @throws MicroError when it does not answer; nothing has changed then. */
  async startCanary(record: ServiceRecord, commit: () => Promise<void>): Promise<void> {
    const { canary } = record;
    if (canary === undefined) return;
    await this.#build.run(withRevision(record, canary.next));
    const before = this.#canaries;
    const canaries = this.#createCanaries(record);
    this.#passing = canaries;
    try {
      await startAll(canaries);
      await commit();
    } catch (reason) {
      await stopInstances(canaries);
      this.#passing = [];
      throw MicroError.from(reason);
    }
    this.#record = record;
    this.#canaries = canaries;
    this.#passing = before;
    await stopInstances(before);
    this.#passing = [];
  }

  /** Ends the canary; all calls go to the rest again. */
  async endCanary(record: ServiceRecord, commit: () => Promise<void>): Promise<void> {
    await commit();
    this.#record = record;
    this.#passing = this.#canaries;
    this.#canaries = [];
    await stopInstances(this.#passing);
    this.#passing = [];
  }

  /** The record without a change of what runs: an update was refused. */
  note(record: ServiceRecord): void {
    this.#record = record;
  }

  /** Ends the build that is under way: what waits for it fails. */
  cancelBuild(): void {
    this.#build.cancel();
  }

  /** Ends everything; a change that is under way fails. */
  async stop(options?: StopOptions): Promise<void> {
    this.#isStopping = true;
    this.cancelBuild();
    await this.#starting;
    await stopInstances(this.#all, options);
    await this.#startingInTurns;
  }

  /** Leaves what runs to the next server; what only comes or goes ends. */
  async release(): Promise<void> {
    this.#isStopping = true;
    this.cancelBuild();
    await this.#starting;
    const staying = [...this.#instances, ...this.#canaries];
    await Promise.all([...staying.map((each) => each.release()), stopInstances(this.#passing)]);
    await this.#startingInTurns;
  }

  get #all(): readonly Instance[] {
    return [...this.#instances, ...this.#canaries, ...this.#passing];
  }

  async #roll(
    record: ServiceRecord,
    commit: () => Promise<void>,
    change: Pick<RollOverOptions, "kept" | "old" | "onStep">,
  ): Promise<void> {
    try {
      this.#instances = await rollOver({
        ...change,
        count: instanceCount(record),
        create: (count) => {
          if (this.#isStopping) throw new MicroError("unavailable", "the service is being stopped");
          return this.#create(record, count);
        },
        commit: async () => {
          await commit();
          this.#record = record;
        },
      });
    } catch (reason) {
      this.#refill();
      throw reason;
    } finally {
      this.#passing = [];
    }
  }

  async #startOver(record: ServiceRecord, commit: () => Promise<void>, kept: readonly Instance[]): Promise<void> {
    await commit();
    this.cancelBuild();
    await this.#starting;
    const count = instanceCount(record);
    const staying = kept.slice(0, count);
    await stopInstances([...this.#instances, ...this.#canaries].filter((each) => !staying.includes(each)));
    this.#record = record;
    this.#instances = [...staying, ...this.#create(record, count - staying.length)];
    this.#canaries = [];
    if (!this.#isStopping) this.start();
  }

  /** After a change that failed half-way: as many as are declared. */
  #refill(): void {
    const missing = instanceCount(this.#record) - this.#instances.length;
    if (missing <= 0 || this.#isStopping) return;
    const added = this.#create(this.#record, missing);
    this.#instances = [...this.#instances, ...added];
    for (const each of added) each.start();
  }

  async #buildAndStart(): Promise<void> {
    try {
      this.#built = (await this.#build.run(this.#record)).hash;
    } catch {
      // Told by `state`; not tried again by itself, since the same source fails in the same way.
      return;
    }
    // Many that start together only keep each other from it.
    this.#startingInTurns = startInTurns([...this.#instances, ...this.#canaries], () => !this.#isStopping);
  }

  /** Processes that were never started wait for their build, or have none to come from. */
  #withBuild(status: ServiceStatus): ServiceStatus {
    if (status !== "pending") return status;
    if (this.#build.isBuilding) return "building";
    return this.#build.error === undefined ? status : "error";
  }

  #createCanaries(record: ServiceRecord, adopted: readonly ProcessNote[] = []): readonly Instance[] {
    const { canary } = record;
    if (canary === undefined) return [];
    return this.#create(withRevision(record, canary.next), canaryCount(record), adopted, canary.percent);
  }

  #create(
    record: ServiceRecord,
    count: number,
    adopted: readonly ProcessNote[] = [],
    share?: number,
  ): readonly Instance[] {
    const { launcher, onTrouble, ...deps } = this.#deps;
    const { revision = "" } = record;
    const own = {
      ...deps,
      prepare: (instance: string): ReturnType<Launcher["prepare"]> => launcher.prepare(record, instance),
      onTrouble: (trouble: InstanceTrouble): void => onTrouble(revision, trouble),
    };
    const healthIntervalMs = record.manifest?.health?.intervalMs;
    const options = {
      ...this.#options,
      ...(healthIntervalMs === undefined ? {} : { healthIntervalMs }),
      deployment: record,
      revision,
      ...(share === undefined ? {} : { share }),
    };
    return Array.from({ length: Math.max(0, count) }, (_none, index) => {
      const note = adopted[index];
      return new Instance(own, { ...options, ...(note === undefined ? {} : { adopted: note }) });
    });
  }
}

/** A service is as well as its best process: it answers when one of them does. */
const bestFirst: readonly ServiceStatus[] = ["running", "error", "starting", "pending", "stopping", "stopped"];

function combineStatus(instances: readonly InstanceState[]): ServiceStatus {
  return bestFirst.find((status) => instances.some((each) => each.status === status)) ?? "unknown";
}
