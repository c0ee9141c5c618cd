import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import { captureOutput } from "./capture-output.ts";
import type { LaunchCommand } from "./launch-command.ts";
import { signalGroup } from "./process-group.ts";
import { RateLimit } from "./rate-limit.ts";

/** After the end of a process its last output is waited for this long, in milliseconds; others may hold the pipe open. */
const lastOutputMs = 1_000;

/** How a process ended: its code, or the signal that ended it. */
export type ProcessExit = { readonly code: number } | { readonly signal: string };

export interface StartProcessOptions {
  readonly command: LaunchCommand;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly onLines: (stream: "stdout" | "stderr", lines: readonly string[]) => Promise<void>;
}

/** A running program in a process group of its own. */
export class ServiceProcess {
  readonly pid: number;
  /** Resolves the moment that the process is gone; what it left of its group is killed then. */
  readonly died: Promise<ProcessExit>;
  /** Resolves when it is gone and its output is read. */
  readonly ended: Promise<ProcessExit>;

  private constructor(child: Bun.Subprocess<"ignore", "pipe", "pipe">, onLines: StartProcessOptions["onLines"]) {
    this.pid = child.pid;
    this.died = child.exited.then((code): ProcessExit => {
      // What it started itself must not outlive it: its replacement would be a duplicate.
      signalGroup(child.pid, "SIGKILL");
      return child.signalCode === null ? { code } : { signal: String(child.signalCode) };
    });
    this.ended = readUntilEnd(child, this.died, onLines);
  }

  /** @throws MicroError `failed_precondition` when the program cannot be started. */
  static start({ command, env, onLines }: StartProcessOptions): ServiceProcess {
    try {
      const child = Bun.spawn([...command.argv], {
        cwd: command.folder,
        env: { ...env },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        detached: true,
      });
      return new ServiceProcess(child, onLines);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new MicroError("failed_precondition", `cannot start ${command.argv[0] ?? ""}: ${reason}`, { cause });
    }
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
}

async function readUntilEnd(
  child: Bun.Subprocess<"ignore", "pipe", "pipe">,
  died: Promise<ProcessExit>,
  onLines: StartProcessOptions["onLines"],
): Promise<ProcessExit> {
  const abort = new AbortController();
  const rate = new RateLimit(limits.logBytesPerSecondMax);
  const capture = (stream: "stdout" | "stderr"): Promise<void> =>
    captureOutput(child[stream], { onLines: (lines) => onLines(stream, lines), rate, signal: abort.signal });
  const captured = Promise.allSettled([capture("stdout"), capture("stderr")]);
  const exit = await died;
  await Promise.race([captured, delay(lastOutputMs, abort.signal)]);
  abort.abort();
  await captured;
  return exit;
}
