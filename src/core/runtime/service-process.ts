import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import { captureOutput } from "./capture-output.ts";
import type { LaunchCommand } from "./launch-command.ts";
import { closeHandles, outputStreams, type NewPipes, type OutputHandles, type OutputStream } from "./output-pipes.ts";
import { signalGroup } from "./process-group.ts";
import { readProcessMark } from "./process-mark.ts";
import { RateLimit } from "./rate-limit.ts";

/** After the end of a process its last output is waited for this long, in milliseconds; others may hold the pipe open. */
const lastOutputMs = 1_000;

/**
 * How a process ended: its code, or the signal that ended it; unseen where it was the child of a server before. Released:
 * it has not ended, nobody here looks after it any more.
 */
export type ProcessExit =
  | { readonly code: number }
  | { readonly signal: string }
  | { readonly unseen: true }
  | { readonly released: true };

export interface CaptureLines {
  readonly onLines: (stream: OutputStream, lines: readonly string[]) => Promise<void>;
}

export interface StartProcessOptions extends CaptureLines {
  readonly command: LaunchCommand;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Its ends of them are closed here. */
  readonly pipes: NewPipes;
}

export interface AdoptProcessOptions extends CaptureLines {
  readonly pid: number;
  /** See {@link readProcessMark}. */
  readonly mark: string;
  readonly output: OutputHandles;
}

interface ProcessWatch {
  /** Resolves with its end. @param outputEnded a hint: nobody writes its output any more. */
  readonly watch: (outputEnded: Promise<void>) => Promise<ProcessExit>;
  /** This process may end before that one. */
  readonly forget?: () => void;
}

/** A running program in a process group of its own. */
export class ServiceProcess {
  readonly pid: number;
  /** Resolves the moment that the process is gone; what it left of its group is killed then. */
  readonly died: Promise<ProcessExit>;
  /** Resolves when it is gone and its output is read. */
  readonly ended: Promise<ProcessExit>;
  readonly #release: () => void;

  private constructor(pid: number, output: OutputHandles, options: CaptureLines & ProcessWatch) {
    const { onLines, watch, forget } = options;
    this.pid = pid;
    const released = Promise.withResolvers<ProcessExit>();
    this.#release = () => {
      forget?.();
      released.resolve({ released: true });
    };
    const capture = new OutputCapture(output, onLines);
    const exited = watch(capture.ended).then((exit) => {
      // What it started itself must not outlive it: its replacement would be a duplicate.
      if (!("released" in exit)) signalGroup(pid, "SIGKILL");
      return exit;
    });
    this.died = Promise.race([exited, released.promise]);
    this.ended = this.died.then(async (exit) => {
      await capture.end("released" in exit ? 0 : lastOutputMs);
      return exit;
    });
  }

  /** @throws MicroError `failed_precondition` when the program cannot be started. */
  static start({ command, env, pipes, onLines }: StartProcessOptions): ServiceProcess {
    try {
      const child = Bun.spawn([...command.argv], {
        cwd: command.folder,
        env: { ...env },
        stdin: "ignore",
        ...pipes.write,
        detached: true,
      });
      const watch = async (): Promise<ProcessExit> => {
        const code = await child.exited;
        return child.signalCode === null ? { code } : { signal: String(child.signalCode) };
      };
      return new ServiceProcess(child.pid, pipes.read, {
        onLines,
        watch,
        forget: () => child.unref(),
      });
    } catch (cause) {
      closeHandles(pipes.read);
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new MicroError("failed_precondition", `cannot start ${command.argv[0] ?? ""}: ${reason}`, { cause });
    } finally {
      closeHandles(pipes.write);
    }
  }

  /** Takes charge of a process that a server before this one started; it is no child, so its end is looked for. */
  static adopt({ pid, mark, output, onLines }: AdoptProcessOptions): ServiceProcess {
    const watch = async (outputEnded: Promise<void>): Promise<ProcessExit> => {
      const isAlive = (): boolean => readProcessMark(pid) === mark;
      // The end of its output says at once what is else found out within a second.
      const hint = new AbortController();
      void outputEnded.then(() => hint.abort());
      while (isAlive()) await delay(limits.adoptedPollMs, hint.signal.aborted ? undefined : hint.signal);
      return { unseen: true };
    };
    return new ServiceProcess(pid, output, { onLines, watch });
  }

  /** TERM to the group, and KILL when it is still there after the grace. Resolves when it is gone and its output is read. */
  async stop(graceMs: number): Promise<void> {
    signalGroup(this.pid, "SIGTERM");
    const timer = setTimeout(() => signalGroup(this.pid, "SIGKILL"), graceMs);
    try {
      await this.ended;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Leaves it running for the next server, which reads on where this one stops. */
  async release(): Promise<void> {
    this.#release();
    await this.ended;
  }
}

/** Reads both streams of a process until they end, or until it is told to stop. */
class OutputCapture {
  /** Resolves when whoever wrote has closed both streams, or the reading was ended. */
  readonly ended: Promise<void>;
  readonly #abort = new AbortController();

  constructor(output: OutputHandles, onLines: CaptureLines["onLines"]) {
    const rate = new RateLimit(limits.logBytesPerSecondMax);
    const { signal } = this.#abort;
    const captured = outputStreams.map((stream) =>
      captureOutput(Bun.file(output[stream]).stream(), { onLines: (lines) => onLines(stream, lines), rate, signal }),
    );
    this.ended = Promise.allSettled(captured).then(() => closeHandles(output));
  }

  /** @param patienceMs for what is in the pipe already. */
  async end(patienceMs: number): Promise<void> {
    await Promise.race([this.ended, delay(patienceMs, this.#abort.signal)]);
    this.#abort.abort();
    await this.ended;
  }
}
