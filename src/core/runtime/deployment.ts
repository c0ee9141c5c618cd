import { MicroError } from "#base/error.ts";
import type { InstanceState, RuntimeService, ServiceStatus } from "#interface/runtime.ts";
import { BuildStep } from "./build-step.ts";
import { Instance, type InstanceDeps } from "./instance.ts";
import type { Launcher } from "./launcher.ts";
import type { ProcessNote } from "./process-notes.ts";
import type { Builder } from "./service-builder.ts";
import { instanceCount, type ServiceRecord } from "./service-record.ts";

export interface DeploymentDeps extends Omit<InstanceDeps, "prepare"> {
  readonly launcher: Launcher;
  readonly builder: Builder;
}

export interface DeploymentOptions {
  /** @default limits.serviceStartTimeoutMs */
  readonly startTimeoutMs?: number;
  /** @default limits.serviceStopGraceMs */
  readonly stopGraceMs?: number;
}

/** Digits of a build's hash that are shown. */
const buildLength = 7;

/** A declared service with its processes. Its owner lets one change at a time happen. */
export class Deployment {
  readonly #deps: DeploymentDeps;
  readonly #options: DeploymentOptions;
  readonly #build: BuildStep;
  #starting: Promise<void> = Promise.resolve();
  /** Hash of the build that runs. */
  #built: string | undefined;
  #record: ServiceRecord;
  #instances: readonly Instance[];
  /** Processes of an update that has not succeeded yet. */
  #candidates: readonly Instance[] = [];

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
    this.#instances = this.#createInstances(record, adopted);
    for (const each of this.#instances.slice(0, adopted.length)) each.start();
  }

  get record(): ServiceRecord {
    return this.#record;
  }

  get state(): RuntimeService {
    const { namespace, name, version, metadata, source, git, updatedAtMs } = this.#record;
    const instances = this.#instances.map((each) => each.state);
    const status = this.#withBuild(combineStatus(instances));
    const error = instances.find((each) => each.error !== undefined)?.error ?? this.#build.error ?? this.#record.error;
    const serviceName = this.#instances.find((each) => each.serviceName !== undefined)?.serviceName ?? name;
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
      ...(serviceName === name ? {} : { serviceName }),
      ...(this.#built === undefined ? {} : { build: this.#built.slice(0, buildLength) }),
      ...(error === undefined ? {} : { error }),
    };
  }

  /** Whether one of its processes is that instance. */
  owns(instance: string): boolean {
    return [...this.#instances, ...this.#candidates].some(({ id }) => id === instance);
  }

  /** Builds, then starts; what comes of it is seen in `state`. */
  start(): void {
    this.#starting = this.#buildAndStart(this.#record, this.#instances);
  }

  /** Resolves when the first attempt of every process to start has ended, well or not. */
  async settled(): Promise<void> {
    await this.#starting;
    if (this.#build.error !== undefined) return;
    await Promise.all(this.#instances.map((each) => each.firstStart));
  }

  /**
   * Starts the service anew beside what runs, switches when all of the new answers, then stops the old. Where the old
   * never answered there is nothing to protect: it is stopped first, and what becomes of the new is seen in `state`.
   *
   * @param commit makes the new record durable; called before the old is stopped.
   * @throws MicroError `failed_precondition` with the reason when the new cannot be built or does not answer; the old keeps running.
   */
  async replace(record: ServiceRecord, commit: () => Promise<void>): Promise<void> {
    if (!this.#instances.some((each) => each.hasAnswered)) return this.#startOver(record, commit);
    const { hash } = await this.#build.run(record);
    this.#candidates = this.#createInstances(record);
    const old = this.#instances;
    try {
      await startAll(this.#candidates);
      await commit();
    } catch (reason) {
      await stopInstances(this.#candidates);
      this.#candidates = [];
      throw MicroError.from(reason);
    }
    this.#record = record;
    this.#built = hash;
    this.#instances = this.#candidates;
    this.#candidates = [];
    await stopInstances(old);
  }

  /** The record without a change of what runs: an update was refused. */
  note(record: ServiceRecord): void {
    this.#record = record;
  }

  /** Ends the build that is under way: what waits for it fails. */
  cancelBuild(): void {
    this.#build.cancel();
  }

  async stop(): Promise<void> {
    this.cancelBuild();
    await this.#starting;
    await stopInstances([...this.#instances, ...this.#candidates]);
  }

  /** Leaves what runs to the next server; what is not declared ends. */
  async release(): Promise<void> {
    this.cancelBuild();
    await this.#starting;
    await Promise.all([...this.#instances.map((each) => each.release()), stopInstances(this.#candidates)]);
  }

  async #startOver(record: ServiceRecord, commit: () => Promise<void>): Promise<void> {
    await commit();
    await this.stop();
    this.#record = record;
    this.#instances = this.#createInstances(record);
    this.start();
  }

  async #buildAndStart(record: ServiceRecord, instances: readonly Instance[]): Promise<void> {
    try {
      this.#built = (await this.#build.run(record)).hash;
    } catch {
      // Told by `state`; not tried again by itself, since the same source fails in the same way.
      return;
    }
    for (const each of instances) each.start();
  }

  /** Processes that were never started wait for their build, or have none to come from. */
  #withBuild(status: ServiceStatus): ServiceStatus {
    if (status !== "pending") return status;
    if (this.#build.isBuilding) return "building";
    return this.#build.error === undefined ? status : "error";
  }

  #createInstances(record: ServiceRecord, adopted: readonly ProcessNote[] = []): Instance[] {
    const prepare = (instance: string): ReturnType<Launcher["prepare"]> =>
      this.#deps.launcher.prepare(record, instance);
    const options = { ...this.#options, deployment: record, revision: record.revision ?? "" };
    return Array.from({ length: instanceCount(record) }, (_none, index) => {
      const note = adopted[index];
      return new Instance({ ...this.#deps, prepare }, { ...options, ...(note === undefined ? {} : { adopted: note }) });
    });
  }
}

/** @throws MicroError `failed_precondition` when one of them does not answer. */
async function startAll(instances: readonly Instance[]): Promise<void> {
  for (const each of instances) each.start();
  for (const each of instances) {
    const first = await each.firstStart;
    if (first.kind === "failed") throw new MicroError("failed_precondition", first.error);
  }
}

async function stopInstances(instances: readonly Instance[]): Promise<void> {
  await Promise.all(instances.map((each) => each.stop()));
}

/** A service is as well as its best process: it answers when one of them does. */
const bestFirst: readonly ServiceStatus[] = ["running", "error", "starting", "pending", "stopping", "stopped"];

function combineStatus(instances: readonly InstanceState[]): ServiceStatus {
  return bestFirst.find((status) => instances.some((each) => each.status === status)) ?? "unknown";
}
