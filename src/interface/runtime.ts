import type { Metadata } from "#base/metadata.ts";

/** Names in the order of their numbers on the wire. */
export const serviceStatuses = [
  "unknown",
  "pending",
  "building",
  "starting",
  "running",
  "stopping",
  "stopped",
  "error",
] as const;
export type ServiceStatus = (typeof serviceStatuses)[number];

/** Which service: names are unique per namespace and version. */
export interface ServiceKey {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
}

/** One process of a service. */
export interface InstanceState {
  readonly id: string;
  /** Absent while it does not run. */
  readonly pid?: number;
  /** `running` only when it is registered and answers. */
  readonly status: ServiceStatus;
  /** Why it is not running: one line for a person. */
  readonly error?: string;
  /** Milliseconds since the epoch, of the running process. */
  readonly startedAtMs?: number;
  /** Times that it was started again after a crash. */
  readonly restartCount: number;
  /** It ended again and again, and is started ever more rarely. @default false */
  readonly isCrashLooping?: boolean;
  /** Percent of the calls that it and its like get, where it is a canary. */
  readonly share?: number;
}

/** A service as the runtime keeps it: what was asked for, and what is. */
export interface RuntimeService extends ServiceKey {
  /** What the user named: a folder, or a repository with its ref. */
  readonly source: string;
  /** Of the repository that runs, all its digits. */
  readonly commit?: string;
  readonly metadata: Metadata;
  readonly status: ServiceStatus;
  readonly error?: string;
  /** What its code registers as, where that is another name: other services and callers find it under this one. */
  readonly serviceName?: string;
  /** The build that it runs, as a few digits; absent where nothing had to be built. */
  readonly build?: string;
  readonly updatedAtMs: number;
  /** Percent of the calls that go to a canary, where there is one. */
  readonly canaryPercent?: number;
  readonly instances: readonly InstanceState[];
}

/** What runs JavaScript. */
export const serviceRunners = ["bun", "node"] as const;
export type ServiceRunner = (typeof serviceRunners)[number];

/** What one process of a service may use of the machine, with all that it starts. */
export interface ResourceLimits {
  readonly memoryBytes?: number;
  /** In cores: 0.5 is half of one. */
  readonly cpuCores?: number;
}

export interface CreateServiceOptions {
  /** Program to run instead of what the folder suggests. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  /** `KEY=value`, added to the service's environment. */
  readonly env?: readonly string[];
  /** Folder inside the source where the service lives. */
  readonly entrypoint?: string;
  /** @default what micro.json says, else 1; 0 takes back what was said */
  readonly instances?: number;
  /** @default what micro.json says, else what package.json asks for; `` takes back what was said */
  readonly runner?: ServiceRunner | "";
  /** @default what micro.json says, else no limit; 0 takes back what was said */
  readonly resources?: ResourceLimits;
  /** Another namespace whose uploads may be meant by the source, when that of the service has none of its name. */
  readonly sourceNamespace?: string;
  /** Token, or `user:password`, for the host of a private repository. Kept sealed for later updates, and never shown. */
  readonly gitCredential?: string;
  /** Variables of its environment that are kept sealed and never shown; an empty text removes one. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** What an update says of a service; what it does not say stays as it was. */
export interface UpdateServiceOptions extends CreateServiceOptions {
  /** Replaces what was said under the same keys. */
  readonly metadata?: Metadata;
  /** Gives the new source this share of the calls, 1 to 99 percent, beside the old one, until it is promoted or rolled back. */
  readonly canaryPercent?: number;
}

export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
  readonly instance: string;
  readonly stream: "stdout" | "stderr" | "system";
  readonly text: string;
}

export interface LogQuery {
  /** The last so many lines; absent: all that are kept. */
  readonly count?: number;
  /** Only lines from this moment on, milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** Only lines of the instance of this id, or of those whose ids begin so. */
  readonly instance?: string;
  /** Only lines that hold this text. */
  readonly grep?: string;
  /** Stay and send what comes. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Runs services and tells the truth about them. What was created stays declared over restarts of the server until it is
 * deleted.
 */
export interface Runtime {
  /** @throws MicroError `conflict` when it runs already, `invalid_argument` for a source that cannot run. */
  create(
    key: ServiceKey,
    source: string,
    options: CreateServiceOptions & { readonly metadata?: Metadata; readonly owner?: string },
  ): Promise<void>;
  read(filter: {
    readonly namespace: string;
    readonly name?: string;
    readonly version?: string;
  }): Promise<readonly RuntimeService[]>;
  /**
   * Replaces what runs by a new source (`` restarts the present one) and waits until that answers. Where it does not, an old
   * one that has answered stays up.
   *
   * @throws MicroError `not_found`; `failed_precondition` with the reason when the new one does not start.
   */
  update(key: ServiceKey, source: string, options?: UpdateServiceOptions): Promise<void>;
  /** Starts the present version anew, a few processes at a time, each new one before an old one ends. @throws as `update` does. */
  restart(key: ServiceKey): Promise<void>;
  /** Runs so many processes of it. @throws as `update` does, and `invalid_argument`. */
  scale(key: ServiceKey, instances: number): Promise<void>;
  /**
   * Goes back to the version before, with as many processes as there are; another time to the one before that. Where there is a
   * canary, that is ended instead.
   *
   * @throws as `update` does; `failed_precondition` when there is none.
   */
  rollback(key: ServiceKey): Promise<void>;
  /** Puts the canary in the place of the rest. @throws as `update` does; `failed_precondition` when there is none. */
  promote(key: ServiceKey): Promise<void>;
  /** Stops and forgets. @throws MicroError `not_found`. */
  delete(key: ServiceKey): Promise<void>;
  /** @throws MicroError `not_found` when there is no such service. */
  logs(key: ServiceKey, query: LogQuery): AsyncIterable<LogLine>;
  /**
   * The log of the last build of a service, as text in pieces, to its end where it runs.
   *
   * @throws MicroError `not_found` when there is no such service, or nothing had to be built for it.
   */
  buildLog(key: ServiceKey, signal: AbortSignal): AsyncIterable<Uint8Array>;
}
