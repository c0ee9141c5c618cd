import { setPriority } from "node:os";
import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import { captureOutput } from "./capture-output.ts";
import { signalGroup } from "./process-group.ts";
import { RateLimit } from "./rate-limit.ts";

/** Builds are to wait for services, not services for builds. */
const niceness = 10;
/** Time between the request to end and the kill, in milliseconds. */
const stopGraceMs = 1_000;
/** After the end of a command its last output is waited for this long, in milliseconds; others may hold the pipe open. */
const lastOutputMs = 1_000;

export interface BuildProcessOptions {
  readonly argv: readonly string[];
  readonly folder: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly onLines: (lines: readonly string[]) => Promise<void>;
  /** The command runs from now on, until the returned function is called. */
  readonly onProcess: (pid: number) => () => void;
  /** Ends the command, and all that it started. */
  readonly signal: AbortSignal;
}

/**
 * Runs one command of a build in a process group of its own. Resolves when it is gone, with all that it started, and its
 * output is read: with nothing where it succeeded, else with how it ended.
 */
export async function runBuildProcess(options: BuildProcessOptions): Promise<string | undefined> {
  const { argv, folder: cwd, env, signal } = options;
  const child = Bun.spawn([...argv], {
    cwd,
    env: { ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
  });
  lowerPriority(child.pid);
  const onEnd = options.onProcess(child.pid);
  const abort = new AbortController();
  const rate = new RateLimit(limits.logBytesPerSecondMax);
  const capture = (stream: ReadableStream<Uint8Array>): Promise<void> =>
    captureOutput(stream, { onLines: options.onLines, rate, signal: abort.signal });
  const captured = Promise.allSettled([capture(child.stdout), capture(child.stderr)]);
  const timers: NodeJS.Timeout[] = [];
  const stop = (): void => {
    signalGroup(child.pid, "SIGTERM");
    timers.push(setTimeout(() => signalGroup(child.pid, "SIGKILL"), stopGraceMs));
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  const code = await child.exited;
  signal.removeEventListener("abort", stop);
  for (const timer of timers) clearTimeout(timer);
  signalGroup(child.pid, "SIGKILL");
  await Promise.race([captured, delay(lastOutputMs, abort.signal)]);
  abort.abort();
  await captured;
  onEnd();
  if (code === 0 && child.signalCode === null) return undefined;
  return child.signalCode === null ? `exited with code ${code}` : `was ended by signal ${child.signalCode}`;
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    // It is gone already, or not ours to change: then the build is only less polite.
  }
}
