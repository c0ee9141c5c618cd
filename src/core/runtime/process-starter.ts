import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { describeFailure, reasonLineCount } from "./failure-reason.ts";
import type { Launch } from "./launcher.ts";
import type { OutputPipes } from "./output-pipes.ts";
import type { PlainServices } from "./plain-services.ts";
import type { ProcessLimit, ProcessLimiter } from "./process-limiter.ts";
import type { ProcessNote, ProcessNotes } from "./process-notes.ts";
import type { ServiceLog } from "./service-log.ts";
import { parseLabel } from "./service-label.ts";
import { signalGroup } from "./process-group.ts";
import { ServiceProcess, type CaptureLines, type ProcessExit } from "./service-process.ts";
import { removeSocket } from "./socket-folder.ts";
import type { StrayProcesses } from "./stray-processes.ts";

export interface ProcessStarterDeps {
  readonly log: ServiceLog;
  readonly notes: ProcessNotes;
  readonly pipes: OutputPipes;
  readonly clock: Clock;
  readonly limiter: ProcessLimiter;
  readonly strays: StrayProcesses;
  readonly plain: PlainServices;
}

/** One process of an instance. */
export interface StartedProcess {
  readonly process: ServiceProcess;
  readonly startedAtMs: number;
  /** Why it ended, from what it wrote last. */
  readonly describe: (exit: ProcessExit) => string;
  /** It is dead: removes note, pipes and sockets, and ends what it started and left. */
  readonly clear: () => Promise<void>;
}

/** Starts the processes of instances, or takes them over from a server before, with their pipes and their note. */
export class ProcessStarter {
  readonly #deps: ProcessStarterDeps;

  constructor(deps: ProcessStarterDeps) {
    this.#deps = deps;
  }

  /** @throws MicroError when it cannot be started. */
  start(
    launch: Launch,
    about: Pick<ProcessNote, "instance" | "service" | "revision" | "restartCount">,
  ): StartedProcess {
    const { notes, clock } = this.#deps;
    const { command, env, socket, network, resources, plain } = launch;
    const lastErrors: string[] = [];
    const onLines = this.#logLines(about.instance, lastErrors);
    const process = ServiceProcess.start({ command, env, pipes: this.#createPipes(about.instance), onLines });
    const startedAtMs = clock.now();
    const known = { ...about, pid: process.pid, network, startedAtMs, resources, plain };
    notes.write({ ...known, ...(socket === undefined ? {} : { socket }) });
    const limit = this.#limit(known);
    const endWatch = this.#watchPlain(known);
    return {
      process,
      startedAtMs,
      describe: (exit) => limit.reason ?? describeFailure(exit, lastErrors, command.folder),
      clear: () => {
        limit.end();
        endWatch();
        return this.#clear(about.instance, socket);
      },
    };
  }

  /** @throws MicroError when its pipes cannot be opened: it is killed then, since nobody could look after it. */
  adopt(note: ProcessNote): StartedProcess {
    const { instance, pid, mark, socket, startedAtMs } = note;
    const lastErrors: string[] = [];
    const onLines = this.#logLines(instance, lastErrors);
    const limit = this.#limit(note);
    const endWatch = this.#watchPlain(note);
    return {
      process: ServiceProcess.adopt({ pid, mark, output: this.#openPipes(note), onLines }),
      startedAtMs,
      describe: (exit) => limit.reason ?? describeFailure(exit, lastErrors, ""),
      clear: () => {
        limit.end();
        endWatch();
        return this.#clear(instance, socket);
      },
    };
  }

  #watchPlain({
    instance,
    pid,
    service,
    plain,
  }: Pick<ProcessNote, "instance" | "pid" | "service" | "plain">): () => void {
    const key = parseLabel(service);
    if (plain === undefined || key === undefined) return () => undefined;
    return this.#deps.plain.watch({ ...plain, key, instance, pid, say: this.#sayOf(instance) });
  }

  /** The log reports its own failures. */
  #sayOf(instance: string): (text: string) => void {
    return (text) => void this.#deps.log.write(instance, "system", [text]);
  }

  #limit({ instance, pid, resources = {} }: Pick<ProcessNote, "instance" | "pid" | "resources">): ProcessLimit {
    return this.#deps.limiter.apply({ instance, pid, resources, say: this.#sayOf(instance) });
  }

  #createPipes(instance: string): ReturnType<OutputPipes["create"]> {
    try {
      return this.#deps.pipes.create(instance);
    } catch (reason) {
      throw MicroError.from(reason, { code: "failed_precondition", detail: "the pipes for its output cannot be made" });
    }
  }

  #openPipes({ instance, pid, socket }: ProcessNote): ReturnType<OutputPipes["open"]> {
    try {
      return this.#deps.pipes.open(instance);
    } catch (reason) {
      signalGroup(pid, "SIGKILL");
      // Nothing waits for it: the instance is started anew after a pause.
      void this.#clear(instance, socket);
      throw MicroError.from(reason, { code: "failed_precondition", detail: "the pipes of its output are gone" });
    }
  }

  #clear(instance: string, socket: string | undefined): Promise<void> {
    this.#deps.notes.remove(instance);
    this.#deps.pipes.remove(instance);
    if (socket !== undefined) removeSocket(socket);
    return this.#deps.strays.endOf(instance);
  }

  #logLines(instance: string, lastErrors: string[]): CaptureLines["onLines"] {
    return (stream, lines) => {
      if (stream === "stderr") lastErrors.push(...lines.slice(-reasonLineCount));
      lastErrors.splice(0, lastErrors.length - reasonLineCount);
      return this.#deps.log.write(instance, stream, lines);
    };
  }
}
