import { backoffMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { InstanceTraffic, ServiceNode } from "#interface/registry.ts";
import type { InstanceState, ServiceKey } from "#interface/runtime.ts";
import type { RuntimeEventSink, RuntimeEventType } from "#interface/runtime-event.ts";
import type { InstanceNodes } from "./instance-nodes.ts";
import { describeInstance, notReadyError, type InstancePhase, type RunningProcess } from "./instance-phase.ts";
import type { Launch } from "./launcher.ts";
import type { ProcessNote } from "./process-notes.ts";
import type { ProcessStarter, StartedProcess } from "./process-starter.ts";
import { describeRegistrations, findServiceName, findSharers } from "./registered-name.ts";
import type { ServiceLog } from "./service-log.ts";
import type { ProcessExit, ServiceProcess } from "./service-process.ts";
import { labelOf } from "./service-label.ts";
import { drainCalls } from "./drain-calls.ts";
import { watchHealth, type HealthOptions, type NodeHealth } from "./watch-health.ts";

export interface InstanceDeps {
  /** Made anew for each process. */
  readonly prepare: (instance: string) => Promise<Launch>;
  readonly log: ServiceLog;
  readonly nodes: InstanceNodes;
  /** Whether calls go to an instance: not before it answers, nor while it says that it cannot serve, nor once it is to end. */
  readonly traffic: Pick<InstanceTraffic, "withhold" | "admit" | "removeInstance">;
  /** How a node is. Never throws. */
  readonly probe: (node: ServiceNode) => Promise<NodeHealth>;
  /** Calls to these addresses that are under way. */
  readonly callsTo: (addresses: readonly string[]) => Promise<number>;
  readonly starter: ProcessStarter;
  readonly clock: Clock;
  /** The deployment that an instance belongs to. */
  readonly deploymentOf: (instance: string) => ServiceKey | undefined;
  readonly events: RuntimeEventSink;
  /** It ended by itself, so many times in a row, or hung. */
  readonly onTrouble: (trouble: InstanceTrouble) => void;
}

/** A process that did not live as it should. */
export interface InstanceTrouble {
  readonly reason: string;
  /** How often in a row. */
  readonly crashCount: number;
  /** It did not end by itself: it did not answer any more. */
  readonly isHung: boolean;
}

export interface InstanceOptions extends HealthOptions {
  /** The deployment that it belongs to. */
  readonly deployment: ServiceKey;
  /** What it runs: a process of it may be taken over by a later server while that is still declared. */
  readonly revision: string;
  /** Percent of the calls to its service that it and its like get, as a canary; absent: what all others get. */
  readonly share?: number;
  /** A process of a server before that runs already, and that this instance begins with. */
  readonly adopted?: ProcessNote;
  /** @default limits.serviceStartTimeoutMs */
  readonly startTimeoutMs?: number;
  /** @default limits.serviceStopGraceMs */
  readonly stopGraceMs?: number;
}

/** How the first attempt to start went. */
export type FirstStart = { readonly kind: "running" } | { readonly kind: "failed"; readonly error: string };

export interface StopOptions {
  /** Whether calls under way may end first. @default true */
  readonly drains?: boolean;
}

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
  #share: number | undefined;
  /** Why this server ended its process, where it did. */
  #hungReason: string | undefined;
  #crashCount = 0;
  readonly #hurry = new AbortController();
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
    this.#share = options.share;
    const first = Promise.withResolvers<FirstStart>();
    this.firstStart = first.promise;
    this.#settleFirst = first.resolve;
  }

  get state(): InstanceState {
    const isRegistered = this.#deps.nodes.has(this.id);
    const shown = describeInstance(this.#phase, isRegistered);
    const isCrashLooping = this.#crashCount >= limits.crashLoopCount && shown.status === "error";
    const share = this.#share === undefined ? {} : { share: this.#share };
    return { id: this.id, restartCount: this.#restartCount, isCrashLooping, ...share, ...shown };
  }

  /** True when it began with a process of a server before. */
  get isAdopted(): boolean {
    return this.#options.adopted !== undefined;
  }

  /** What it runs. */
  get revision(): string {
    return this.#options.revision;
  }

  /** True when it answered at least once: there is something that a failed update must not take away. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** The name that it answered to the last time; undefined before. */
  get serviceName(): string | undefined {
    return this.#serviceName;
  }

  /** Begins, unless it was stopped before; what comes of it is seen in `state` and `firstStart`. */
  start(): void {
    if (!this.#stopping.signal.aborted) this.#task ??= this.#supervise();
  }

  /** Resolves when it answers for the first time, or when that failed. */
  settled(): Promise<FirstStart> {
    return this.firstStart;
  }

  /** From now on it gets the calls that any other gets. */
  promote(): void {
    this.#share = undefined;
    if (this.#phase.kind === "running" && this.#phase.isReady) this.#deps.traffic.admit(this.id);
  }

  /**
   * Out of the registry, calls under way end, TERM, grace, KILL; resolves when the process is really gone. It is not
   * started again.
   */
  async stop({ drains = true }: StopOptions = {}): Promise<void> {
    if (!drains) this.#hurry.abort();
    this.#stopping.abort();
    const phase = this.#phase;
    if (phase.kind === "starting" || phase.kind === "running") {
      this.#phase = { kind: "stopping", process: phase.process };
      this.#deps.traffic.withhold(this.id);
      const nodes = this.#deps.nodes.of(this.id).map(({ node }) => node);
      await drainCalls(nodes, this.#deps.callsTo, AbortSignal.any([this.#hurry.signal, phase.ended]));
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
    this.#settleFirst({ kind: "failed", error: "it was left to the next server" });
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#stopping;
    const { adopted } = this.#options;
    for (;;) {
      const isAdopted = adopted !== undefined && this.#phase.kind === "pending";
      const reason = await this.#runOnce(() => (isAdopted ? this.#adopt(adopted) : this.#start()));
      if (signal.aborted) return;
      const crashCount = this.#crashCount;
      const waitMs = backoffMs(crashCount, { initialMs: limits.restartInitialMs, maxMs: limits.restartMaxMs });
      const error = this.#asShown(reason);
      this.#phase = { kind: "crashed", error };
      this.#lastError = error;
      this.#settleFirst({ kind: "failed", error: reason });
      this.#emit("crashed", reason);
      this.#deps.onTrouble({ reason, crashCount, isHung: this.#hungReason !== undefined });
      await this.#say(`${reason}; starting again in ${(waitMs / 1_000).toFixed(1)}s`);
      await delay(waitMs, signal);
      if (signal.aborted) return;
      this.#restartCount += 1;
    }
  }

  /** One process from its start to its end; returns why it ended. @param begin undefined: it was stopped meanwhile. */
  async #runOnce(begin: () => Promise<StartedProcess | undefined> | StartedProcess): Promise<string> {
    try {
      const started = await begin();
      if (started === undefined) return "it was stopped";
      const exit = await this.#watch(started);
      const describe = (): string => this.#hungReason ?? started.describe(exit);
      this.#noteEnd(this.#deps.clock.now() - started.startedAtMs);
      // Its last words may still be in the pipe; what is known already is shown meanwhile.
      if (!this.#stopping.signal.aborted) this.#phase = { kind: "crashed", error: this.#asShown(describe()) };
      await started.process.ended;
      return describe();
    } catch (reason) {
      this.#noteEnd(0);
      return MicroError.from(reason).detail;
    }
  }

  /** Who ran for long is healthy: its end counts as the first. */
  #noteEnd(ranMs: number): void {
    this.#crashCount = ranMs >= limits.restartResetMs ? 1 : this.#crashCount + 1;
  }

  #asShown(reason: string): string {
    const count = this.#crashCount;
    return count < limits.crashLoopCount ? reason : `crash loop, ${count} times in a row: ${reason}`;
  }

  async #start(): Promise<StartedProcess | undefined> {
    const launch = await this.#deps.prepare(this.id);
    if (this.#stopping.signal.aborted) return undefined;
    const { deployment, revision } = this.#options;
    // Nobody is sent there before it answers.
    this.#deps.traffic.withhold(this.id);
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
    const over = new AbortController();
    const about = { process, startedAtMs, ended: over.signal };
    const lastError = this.#lastError === undefined ? {} : { error: this.#lastError };
    this.#phase = { kind: "starting", ...about, ...lastError };
    this.#hungReason = undefined;
    const timer = setTimeout(() => this.#reportLate(about), this.#options.startTimeoutMs);
    const { nodes, probe } = this.#deps;
    const watching = watchHealth(
      this.id,
      {
        nodes,
        probe,
        onReady: () => {
          clearTimeout(timer);
          this.#becomeReady(about);
        },
        onNotReady: () => this.#becomeUnready(about),
        onHung: (reason) => this.#endHung(process, reason),
      },
      { ...this.#options, signal: over.signal },
    );
    const exit = await process.died;
    over.abort();
    clearTimeout(timer);
    if (!("released" in exit)) {
      this.#deps.traffic.removeInstance(this.id);
      await clear();
    }
    await watching;
    return exit;
  }

  #becomeReady(about: RunningProcess): void {
    if (this.#phase.kind !== "starting" && this.#phase.kind !== "running") return;
    const isFirst = this.#phase.kind === "starting";
    this.#deps.traffic.admit(this.id, this.#share);
    this.#phase = { kind: "running", ...about, isReady: true };
    this.#lastError = undefined;
    this.#hasAnswered = true;
    this.#emit("healthy");
    if (!isFirst) return void this.#say("ready again");
    const { deployment } = this.#options;
    const registrations = this.#deps.nodes.of(this.id);
    this.#serviceName = findServiceName(deployment.name, registrations);
    this.#settleFirst({ kind: "running" });
    const shared = registrations.map((each) => ({ ...each, others: findSharers(each, deployment, this.#deps) }));
    void this.#say(...describeRegistrations(deployment.name, shared));
  }

  /** It goes on, and gets no calls until it says that it can serve. */
  #becomeUnready(about: RunningProcess): void {
    if (this.#phase.kind !== "running") return;
    this.#deps.traffic.withhold(this.id);
    this.#phase = { kind: "running", ...about, isReady: false };
    this.#emit("unhealthy", notReadyError);
    void this.#say(notReadyError);
  }

  /** Who does not answer may not hear TERM either. */
  #endHung(process: ServiceProcess, reason: string): void {
    if (this.#phase.kind !== "running") return;
    this.#hungReason = reason;
    this.#lastError = reason;
    this.#deps.traffic.withhold(this.id);
    this.#emit("unhealthy", reason);
    void this.#say(reason);
    // Its end is awaited where it is watched.
    void process.stop(limits.hungStopGraceMs);
  }

  /** It is left running: it may only be slow, and a person may look into it. */
  #reportLate(about: RunningProcess): void {
    if (this.#phase.kind !== "starting") return;
    const what = this.#deps.nodes.has(this.id) ? "answer" : "register";
    const error = `did not ${what} within ${this.#options.startTimeoutMs / 1_000}s`;
    this.#phase = { kind: "starting", ...about, error };
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
