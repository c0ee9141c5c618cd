import { closeSync, writeSync } from "node:fs";
import { MicroError } from "#base/error.ts";
import { KiB, limits } from "#base/limits.ts";
import { createGitEnvironment, ownerVariable } from "./git-environment.ts";
import type { GitCredential, GitRemote } from "./git-remote.ts";
import { findByEnvironment, signalGroup } from "./process-group.ts";

export interface GitCommand {
  readonly args: readonly string[];
  readonly folder: string;
  /** Absent: the network is not needed, and not allowed. */
  readonly remote?: GitRemote;
  /** Sent to standard input, which is then closed. */
  readonly input?: string;
  /** What it may print before it is ended. @default limits.gitRefsBytesMax */
  readonly outputBytesMax?: number;
}

/** How git ended. */
export interface GitResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A git process whose output is read as it comes. */
export interface RunningGit {
  readonly stdout: AsyncIterable<Uint8Array>;
  /** Code and standard error, once it has ended. */
  readonly ended: Promise<{ readonly code: number; readonly stderr: string }>;
  kill(): void;
}

export interface GitProgramOptions {
  /** The server's own environment, of which git gets PATH and what leads out of its network. */
  readonly serverEnv: Readonly<Record<string, string | undefined>>;
  /** @default limits.gitTimeoutMs */
  readonly timeoutMs?: number;
  /** What one file that git writes may hold. @default limits.gitFetchBytesMax */
  readonly fileBytesMax?: number;
}

const stderrBytesMax = 64 * KiB;

/**
 * Runs git with nothing of the user's or the machine's settings, without questions to anybody, with limits of time and size.
 * A credential goes through a pipe: it is in no argument, no variable and no file.
 */
export class GitProgram {
  readonly #options: GitProgramOptions;
  readonly #timeoutMs: number;
  readonly #running = new Set<RunningGit>();
  readonly #owner: string = crypto.randomUUID();
  #isStopped = false;

  constructor(options: GitProgramOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? limits.gitTimeoutMs;
  }

  /** Runs to the end. @throws MicroError `gateway_timeout`, `payload_too_large`, `failed_precondition` without git, `unavailable`. */
  async run(command: GitCommand): Promise<GitResult> {
    const running = this.start(command);
    const bytesMax = command.outputBytesMax ?? limits.gitRefsBytesMax;
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of running.stdout) {
      bytes += piece.byteLength;
      if (bytes > bytesMax) {
        running.kill();
        throw new MicroError("payload_too_large", `git has more to tell than ${bytesMax} bytes`);
      }
      pieces.push(piece);
    }
    return { ...(await running.ended), stdout: Buffer.concat(pieces).toString("utf8") };
  }

  /** @throws MicroError `failed_precondition` without git, `unavailable` while the server stops. */
  start(command: GitCommand): RunningGit {
    if (this.#isStopped) throw stopping();
    const path = this.#options.serverEnv["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
    if (Bun.which("git", { PATH: path }) === null) {
      throw new MicroError("failed_precondition", "git is not installed on the server; install it, or run a folder");
    }
    const child = this.#spawn(command);
    let isLate = false;
    const kill = (): void => signalGroup(child.pid, "SIGKILL");
    const timer = setTimeout(() => {
      isLate = true;
      kill();
    }, this.#timeoutMs);
    const ended = Promise.all([readStart(child.stderr), child.exited])
      .then(([stderr, code]) => {
        if (this.#isStopped) throw stopping();
        if (isLate) throw tooLate(command.remote, this.#timeoutMs);
        return { code, stderr };
      })
      .finally(() => {
        clearTimeout(timer);
        this.#running.delete(running);
      });
    // Whoever reads the output first is told of the end afterwards.
    ended.catch(() => undefined);
    const running: RunningGit = { stdout: child.stdout, ended, kill };
    this.#running.add(running);
    return running;
  }

  /** Ends what an earlier server left running below a folder, where the system shows it. */
  endLeftovers(root: string): void {
    const isLeft = (environment: string): boolean => {
      const variables = environment.split("\0");
      const owner = variables.find((each) => each.startsWith(`${ownerVariable}=`));
      const isOurs = owner === undefined || owner === `${ownerVariable}=${this.#owner}`;
      return !isOurs && variables.some((each) => each.startsWith(`HOME=${root}/`));
    };
    for (const pid of findByEnvironment(isLeft)) signalProcess(pid);
  }

  /** Ends what runs, and resolves when it has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const each of this.#running) each.kill();
    await Promise.allSettled([...this.#running].map(({ ended }) => ended));
  }

  #spawn({ args, folder, remote, input }: GitCommand): Bun.Subprocess<"ignore" | Uint8Array, "pipe", "pipe"> {
    // The system itself keeps the files small: a pack above the limit ends git.
    const blocks = String(Math.ceil((this.#options.fileBytesMax ?? limits.gitFetchBytesMax) / 512));
    const child = Bun.spawn(["sh", "-c", 'ulimit -f "$1"; shift; exec git "$@"', "sh", blocks, ...args], {
      cwd: folder,
      env: createGitEnvironment(this.#options.serverEnv, { folder, remote, owner: this.#owner }),
      stdio: [input === undefined ? "ignore" : new TextEncoder().encode(input), "pipe", "pipe", "pipe"],
      detached: true,
    });
    handOver(child.stdio[3], remote?.credential);
    return child;
  }
}

function signalProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}

function tooLate(remote: GitRemote | undefined, timeoutMs: number): MicroError {
  const who = remote === undefined || remote.host === "" ? "git" : remote.host;
  return new MicroError("gateway_timeout", `${who} has not sent what was asked within ${timeoutMs / 1_000} s`);
}

function stopping(): MicroError {
  return new MicroError("unavailable", "the server is stopping", { at: "runtime" });
}

/** The beginning of what is said: a server may have git say more than anybody wants to keep. */
async function readStart(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    if (bytes < stderrBytesMax) pieces.push(piece);
    bytes += piece.byteLength;
  }
  return Buffer.concat(pieces).subarray(0, stderrBytesMax).toString("utf8");
}

/** Both lines fit the buffer of a pipe, so that this never waits. */
function handOver(pipe: number | null | undefined, credential: GitCredential | undefined): void {
  if (typeof pipe !== "number") return;
  try {
    if (credential !== undefined) writeSync(pipe, `username=${credential.user}\npassword=${credential.password}\n`);
  } catch {
    // A process that ended at once; how it ended is told elsewhere.
  } finally {
    closeSync(pipe);
  }
}
