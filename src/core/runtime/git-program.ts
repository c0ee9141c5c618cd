import { closeSync, writeSync } from "node:fs";
import type { GitProtocol } from "#base/git-source.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { signalGroup } from "./process-group.ts";

/** Name and password, or token, for one git server. */
export interface GitCredential {
  readonly user: string;
  readonly password: string;
}

/** Where git goes, and as whom. */
export interface GitRemote {
  readonly protocol: GitProtocol;
  readonly host: string;
  readonly credential?: GitCredential;
}

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

/** Variables of the server that git needs to get out: proxies, certificates, the agent that holds ssh keys. */
const passedVariables = [
  "PATH",
  "TMPDIR",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "GIT_SSL_CAINFO",
  "SSH_AUTH_SOCK",
];

/** Asked by git for the password: what stands in the pipe that only this process and git hold. */
const credentialHelper = '!f() { test "$1" = get && cat <&3; }; f';

/**
 * Runs git with nothing of the user's or the machine's settings, without questions to anybody, with limits of time and size.
 * A credential goes through a pipe: it is in no argument, no variable and no file.
 */
export class GitProgram {
  readonly #options: GitProgramOptions;
  readonly #timeoutMs: number;
  readonly #running = new Set<RunningGit>();
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
    const ended = Promise.all([child.stderr.text(), child.exited])
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
      env: this.#environment(folder, remote),
      stdio: [input === undefined ? "ignore" : new TextEncoder().encode(input), "pipe", "pipe", "pipe"],
      detached: true,
    });
    handOver(child.stdio[3], remote?.credential);
    return child;
  }

  #environment(folder: string, remote: GitRemote | undefined): Record<string, string> {
    const { serverEnv } = this.#options;
    const passed = passedVariables.flatMap((name) => {
      const value = serverEnv[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    const settings = gitSettings(remote);
    return {
      ...Object.fromEntries(passed),
      HOME: folder,
      LC_ALL: "C",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_ATTR_NOSYSTEM: "1",
      GIT_TERMINAL_PROMPT: "0",
      GIT_NO_LAZY_FETCH: "1",
      GIT_NO_REPLACE_OBJECTS: "1",
      GIT_ALLOW_PROTOCOL: remote?.protocol ?? "none",
      GIT_SSH_COMMAND: "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=15 -oForwardAgent=no",
      GIT_CONFIG_COUNT: String(settings.length),
      ...Object.fromEntries(
        settings.flatMap(([key, value], index) => [
          [`GIT_CONFIG_KEY_${index}`, key] as const,
          [`GIT_CONFIG_VALUE_${index}`, value] as const,
        ]),
      ),
    };
  }
}

function tooLate(remote: GitRemote | undefined, timeoutMs: number): MicroError {
  const who = remote === undefined || remote.host === "" ? "git" : remote.host;
  return new MicroError("gateway_timeout", `${who} has not sent what was asked within ${timeoutMs / 1_000} s`);
}

function stopping(): MicroError {
  return new MicroError("unavailable", "the server is stopping", { at: "runtime" });
}

function gitSettings(remote: GitRemote | undefined): readonly (readonly [string, string])[] {
  const settings: (readonly [string, string])[] = [
    ["core.hooksPath", "/dev/null"],
    ["gc.auto", "0"],
    ["maintenance.auto", "false"],
    // Packs, whatever their size, so that the limit of one file is the limit of one fetch.
    ["fetch.unpackLimit", "1"],
    ["fetch.recurseSubmodules", "false"],
    ["http.lowSpeedLimit", "1000"],
    ["http.lowSpeedTime", String(limits.gitIdleSeconds)],
    ["credential.helper", ""],
  ];
  if (remote?.credential === undefined) return settings;
  // Only for this host: one that git is sent on to is told nothing.
  return [...settings, [`credential.${remote.protocol}://${remote.host}.helper`, credentialHelper]];
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
