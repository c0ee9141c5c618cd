import { backoffMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { ServiceNode } from "#interface/registry.ts";
import type { InstanceState, ServiceKey } from "#interface/runtime.ts";
import type { RuntimeEventSink, RuntimeEventType } from "#interface/runtime-event.ts";
import type { InstanceNodes } from "./instance-nodes.ts";
import { describeInstance, type InstancePhase } from "./instance-phase.ts";
import type { Launch } from "./launcher.ts";
import type { ProcessNote } from "./process-notes.ts";
import type { ProcessStarter, StartedProcess } from "./process-starter.ts";
import { describeRegistrations, findServiceName, findSharers } from "./registered-name.ts";
import type { ServiceLog } from "./service-log.ts";
import type { ProcessExit, ServiceProcess } from "./service-process.ts";
import { labelOf } from "./service-label.ts";

export interface InstanceDeps {
  /** Made anew for each process. */
  readonly prepare: (instance: string) => Promise<Launch>;
  readonly log: ServiceLog;
  readonly nodes: InstanceNodes;
  /** Whether a node answers. Never throws. */
  readonly probe: (node: ServiceNode) => Promise<boolean>;
  readonly starter: ProcessStarter;
  readonly clock: Clock;
  /** The deployment that an instance belongs to. */
  readonly deploymentOf: (instance: string) => ServiceKey | undefined;
  readonly events: RuntimeEventSink;
  /** Its process is dead: its nodes leave the registry now, not when their time is up. */
  readonly onGone: (instance: string) => void;
}

export interface InstanceOptions {
  /** The deployment that it belongs to. */
  readonly deployment: ServiceKey;
  /** What it runs: a process of it may be taken over by a later server while that is still declared. */
  readonly revision: string;
  /** A process of a server before that runs already, and that this instance begins with. */
  readonly adopted?: ProcessNote;
  /** @default limits.serviceStartTimeoutMs */
  readonly startTimeoutMs?: number;
  /** @default limits.serviceStopGraceMs */
  readonly stopGraceMs?: number;
}

/** How the first attempt to start went. */
export type FirstStart = { readonly kind: "running" } | { readonly kind: "failed"; readonly error: string };

const probePauseMs = 25;

/**
 * One supervised process of a service: started, watched until it answers, started again when it ends, with longer and
 * longer waits when it keeps on ending.
 */
export class Instance {
  readonly id: string;
  /** Resolves when it answers for the first time, or when that failed. */
  readonly firstStart: Promise<FirstStart>;
  readonly #deps: InstanceDeps;
  readonly #options: InstanceOptions & Required<Pick<InstanceOptions, "startTimeoutMs" | "stopGraceMs">>;
  readonly #stopping = new AbortController();
  readonly #settleFirst: (result: FirstStart) => void;
  #phase: InstancePhase = { kind: "pending" };
  #restartCount: number;
  #hasAnswered: boolean;
  /** Why it ended the last time; kept until it answers again, so that a crash loop does not look like a start. */
  #lastError: string | undefined;
  #serviceName: string | undefined;
  #task: Promise<void> | undefined;

  constructor(deps: InstanceDeps, options: InstanceOptions) {
    this.#deps = deps;
    this.#options = {
      startTimeoutMs: limits.serviceStartTimeoutMs,
      stopGraceMs: limits.serviceStopGraceMs,
      ...options,
    };
    const { adopted } = options;
    this.id = adopted?.instance ?? crypto.randomUUID().replaceAll("-", "").slice(0, 12);
    this.#restartCount = adopted?.restartCount ?? 0;
    this.#hasAnswered = adopted !== undefined;
    const first = Promise.withResolvers<FirstStart>();
    this.firstStart = first.promise;
    this.#settleFirst = first.resolve;
  }

  get state(): InstanceState {
    const isRegistered = this.#deps.nodes.has(this.id);
    return { id: this.id, restartCount: this.#restartCount, ...describeInstance(this.#phase, isRegistered) };
  }

  /** True when it answered at least once: there is something that a failed update must not take away. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** The name that it answered to the last time; undefined before. */
  get serviceName(): string | undefined {
    return this.#serviceName;
  }

  /** Begins; what comes of it is seen in `state` and `firstStart`. */
  start(): void {
    this.#task ??= this.#supervise();
  }

  /** TERM, grace, KILL; resolves when the process is really gone. It is not started again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const phase = this.#phase;
    if (phase.kind === "starting" || phase.kind === "running") {
      this.#phase = { kind: "stopping", process: phase.process };
      await phase.process.stop(this.#options.stopGraceMs);
    }
    await this.#task;
    if (this.#phase.kind !== "stopped") this.#emit("stopped");
    this.#phase = { kind: "stopped" };
    this.#settleFirst({ kind: "failed", error: "it was stopped" });
  }

  /** Stops looking after it and leaves its process to the next server. */
  async release(): Promise<void> {
    this.#stopping.abort();
    const phase = this.#phase;
    if (phase.kind === "starting" || phase.kind === "running") await phase.process.release();
    await this.#task;
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#stopping;
    const { adopted } = this.#options;
    for (let crashCount = 1; ; crashCount += 1) {
      const isAdopted = adopted !== undefined && this.#phase.kind === "pending";
      const { error, ranMs } = await this.#runOnce(() => (isAdopted ? this.#adopt(adopted) : this.#start()));
      if (signal.aborted) return;
      if (ranMs >= limits.restartResetMs) crashCount = 1;
      const waitMs = backoffMs(crashCount, { initialMs: limits.restartInitialMs, maxMs: limits.restartMaxMs });
      this.#phase = { kind: "crashed", error };
      this.#lastError = error;
      this.#settleFirst({ kind: "failed", error });
      this.#emit("crashed", error);
      await this.#say(`${error}; starting again in ${(waitMs / 1_000).toFixed(1)}s`);
      await delay(waitMs, signal);
      if (signal.aborted) return;
      this.#restartCount += 1;
    }
  }

  /** One process from its start to its end. @param begin undefined: it was stopped meanwhile. */
  async #runOnce(
    begin: () => Promise<StartedProcess | undefined> | StartedProcess,
  ): Promise<{ readonly error: string; readonly ranMs: number }> {
    try {
      const started = await begin();
      if (started === undefined) return { error: "it was stopped", ranMs: 0 };
      const exit = await this.#watch(started);
      const ranMs = this.#deps.clock.now() - started.startedAtMs;
      // Its last words may still be in the pipe; what is known already is shown meanwhile.
      if (!this.#stopping.signal.aborted) this.#phase = { kind: "crashed", error: started.describe(exit) };
      await started.process.ended;
      return { error: started.describe(exit), ranMs };
    } catch (reason) {
      return { error: MicroError.from(reason).detail, ranMs: 0 };
    }
  }

  async #start(): Promise<StartedProcess | undefined> {
    const launch = await this.#deps.prepare(this.id);
    if (this.#stopping.signal.aborted) return undefined;
    const { deployment, revision } = this.#options;
    const about = { instance: this.id, service: labelOf(deployment), revision, restartCount: this.#restartCount };
    const started = this.#deps.starter.start(launch, about);
    // The log reports its own failures, and ends after its instances.
    this.#emit("started");
    void this.#say(`started ${deployment.version}, pid ${started.process.pid}`);
    return started;
  }

  #adopt(note: ProcessNote): StartedProcess {
    const started = this.#deps.starter.adopt(note);
    void this.#say(`adopted by the server that is back, pid ${note.pid}`);
    return started;
  }

  /** Resolves the moment that the process is dead, and everybody knows. */
  async #watch({ process, startedAtMs, clear }: StartedProcess): Promise<ProcessExit> {
    const ended = new AbortController();
    const lastError = this.#lastError === undefined ? {} : { error: this.#lastError };
    this.#phase = { kind: "starting", process, startedAtMs, ...lastError };
    const watching = this.#awaitAnswer(process, startedAtMs, ended.signal);
    const exit = await process.died;
    ended.abort();
    if (!("released" in exit)) {
      this.#deps.onGone(this.id);
      clear();
    }
    await watching;
    return exit;
  }

  /** Turns `starting` into `running` when the process is registered and answers, however late that is. */
  async #awaitAnswer(process: ServiceProcess, startedAtMs: number, ended: AbortSignal): Promise<void> {
    const timer = setTimeout(() => this.#reportLate(process, startedAtMs), this.#options.startTimeoutMs);
    try {
      for (;;) {
        const node = await this.#deps.nodes.wait(this.id, ended);
        if (node === undefined) return;
        if (await this.#deps.probe(node)) break;
        await delay(probePauseMs, ended);
        if (ended.aborted) return;
      }
    } finally {
      clearTimeout(timer);
    }
    if (ended.aborted || this.#phase.kind !== "starting") return;
    const { deployment } = this.#options;
    const registrations = this.#deps.nodes.of(this.id);
    this.#serviceName = findServiceName(deployment.name, registrations);
    this.#phase = { kind: "running", process, startedAtMs };
    this.#lastError = undefined;
    this.#hasAnswered = true;
    this.#settleFirst({ kind: "running" });
    this.#emit("healthy");
    const shared = registrations.map((each) => ({ ...each, others: findSharers(each, deployment, this.#deps) }));
    await this.#say(...describeRegistrations(deployment.name, shared));
  }

  /** It is left running: it may only be slow, and a person may look into it. */
  #reportLate(process: ServiceProcess, startedAtMs: number): void {
    if (this.#phase.kind !== "starting") return;
    const what = this.#deps.nodes.has(this.id) ? "answer" : "register";
    const error = `did not ${what} within ${this.#options.startTimeoutMs / 1_000}s`;
    this.#phase = { kind: "starting", process, startedAtMs, error };
    this.#settleFirst({ kind: "failed", error });
    this.#emit("unhealthy", error);
    // The log reports its own failures.
    void this.#say(error);
  }

  #emit(type: RuntimeEventType, reason?: string): void {
    const { deployment: service } = this.#options;
    this.#deps.events.emit({ type, service, instance: this.id, ...(reason === undefined ? {} : { reason }) });
  }

  #say(...texts: readonly string[]): Promise<void> {
    return this.#deps.log.write(this.id, "system", texts);
  }
}
