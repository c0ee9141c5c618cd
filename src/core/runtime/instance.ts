import { backoffMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { ServiceNode } from "#interface/registry.ts";
import type { InstanceState, ServiceKey } from "#interface/runtime.ts";
import type { RuntimeEventSink, RuntimeEventType } from "#interface/runtime-event.ts";
import { describeFailure, reasonLineCount } from "./failure-reason.ts";
import type { InstanceNodes } from "./instance-nodes.ts";
import { describeInstance, type InstancePhase } from "./instance-phase.ts";
import type { Launch } from "./launcher.ts";
import type { ProcessNotes } from "./process-notes.ts";
import { describeRegistrations, findServiceName, findSharers } from "./registered-name.ts";
import type { ServiceLog } from "./service-log.ts";
import { ServiceProcess, type ProcessExit } from "./service-process.ts";
import { labelOf } from "./service-label.ts";
import { removeSocket } from "./socket-folder.ts";

export interface InstanceDeps {
  /** Made anew for each process. */
  readonly prepare: (instance: string) => Promise<Launch>;
  readonly log: ServiceLog;
  readonly nodes: InstanceNodes;
  /** Whether a node answers. Never throws. */
  readonly probe: (node: ServiceNode) => Promise<boolean>;
  readonly notes: ProcessNotes;
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
  readonly id = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
  /** Resolves when it answers for the first time, or when that failed. */
  readonly firstStart: Promise<FirstStart>;
  readonly #deps: InstanceDeps;
  readonly #options: Required<InstanceOptions>;
  readonly #stopping = new AbortController();
  readonly #settleFirst: (result: FirstStart) => void;
  #phase: InstancePhase = { kind: "pending" };
  #restartCount = 0;
  #hasAnswered = false;
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

  async #supervise(): Promise<void> {
    const { signal } = this.#stopping;
    for (let crashCount = 1; ; crashCount += 1) {
      const { error, ranMs } = await this.#runOnce();
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

  /** One process from its start to its end. */
  async #runOnce(): Promise<{ readonly error: string; readonly ranMs: number }> {
    const lastErrors: string[] = [];
    try {
      const launch = await this.#deps.prepare(this.id);
      if (this.#stopping.signal.aborted) return { error: "it was stopped", ranMs: 0 };
      const process = this.#spawn(launch, lastErrors);
      const startedAtMs = this.#deps.clock.now();
      const describe = (exit: ProcessExit): string => describeFailure(exit, lastErrors, launch.command.folder);
      const exit = await this.#watch(process, startedAtMs, launch);
      const ranMs = this.#deps.clock.now() - startedAtMs;
      // Its last words may still be in the pipe; what is known already is shown meanwhile.
      if (!this.#stopping.signal.aborted) this.#phase = { kind: "crashed", error: describe(exit) };
      await process.ended;
      return { error: describe(exit), ranMs };
    } catch (reason) {
      return { error: MicroError.from(reason).detail, ranMs: 0 };
    }
  }

  #spawn({ command, env }: Launch, lastErrors: string[]): ServiceProcess {
    const { log, notes } = this.#deps;
    const process = ServiceProcess.start({
      command,
      env,
      onLines: (stream, lines) => {
        if (stream === "stderr") lastErrors.push(...lines.slice(-reasonLineCount));
        lastErrors.splice(0, lastErrors.length - reasonLineCount);
        return log.write(this.id, stream, lines);
      },
    });
    notes.write(this.id, process.pid, labelOf(this.#options.deployment));
    return process;
  }

  /** Resolves the moment that the process is dead, and everybody knows. */
  async #watch(process: ServiceProcess, startedAtMs: number, launch: Launch): Promise<ProcessExit> {
    const ended = new AbortController();
    const lastError = this.#lastError === undefined ? {} : { error: this.#lastError };
    this.#phase = { kind: "starting", process, startedAtMs, ...lastError };
    this.#emit("started");
    const said = this.#say(`started ${this.#options.deployment.version}, pid ${process.pid}`);
    const watching = this.#awaitAnswer(process, startedAtMs, ended.signal);
    const exit = await process.died;
    ended.abort();
    this.#deps.onGone(this.id);
    this.#deps.notes.remove(this.id);
    if (launch.socket !== undefined) removeSocket(launch.socket);
    await Promise.all([watching, said]);
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
