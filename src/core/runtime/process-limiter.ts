import { setPriority } from "node:os";
import { repeat, type Stoppable } from "#base/lifecycle.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import { formatMemorySize } from "#base/memory-size.ts";
import type { ResourceLimits } from "#interface/runtime.ts";
import type { ControlGroups, ControlGroup } from "./control-group.ts";
import { readGroupMemory } from "./group-memory.ts";
import { signalGroup } from "./process-group.ts";

/** Below every process without a limit. */
const niceness = 10;

/** The limits of one process with all that it starts. */
export interface ProcessLimit {
  /** Why it was ended, where that was for its limits. */
  readonly reason: string | undefined;
  /** The process is gone. */
  end(): void;
}

export interface LimitedProcess {
  readonly instance: string;
  /** Also the id of its process group. */
  readonly pid: number;
  readonly resources: ResourceLimits;
  /** Told what is not limited on this machine. */
  readonly say: (text: string) => void;
}

const unlimited: ProcessLimit = { reason: undefined, end: () => undefined };

/**
 * Keeps processes below their limits: by control groups where the system offers them; else memory is looked at four times a
 * second, and who uses more than it may is killed, and CPU is only given to others first.
 */
export class ProcessLimiter implements Stoppable {
  readonly #logger: Logger;
  readonly #open: () => ControlGroups | undefined;
  #groups: ControlGroups | undefined | "unopened" = "unopened";
  readonly #watched = new Map<number, { readonly bytes: number; reason: string | undefined }>();
  #watching: Stoppable | undefined;

  /** @param deps.open looks for what the system offers, when the first process has a limit. */
  constructor(deps: { readonly logger: Logger; readonly open: () => ControlGroups | undefined }) {
    this.#logger = deps.logger;
    this.#open = deps.open;
  }

  apply(process: LimitedProcess): ProcessLimit {
    const { memoryBytes, cpuCores } = process.resources;
    if (memoryBytes === undefined && cpuCores === undefined) return unlimited;
    return this.#byGroup(process) ?? this.#byWatching(process);
  }

  async stop(): Promise<void> {
    await this.#watching?.stop();
    this.#watching = undefined;
  }

  #byGroup({ instance, pid, resources }: LimitedProcess): ProcessLimit | undefined {
    if (this.#groups === "unopened") this.#groups = this.#open();
    if (this.#groups === undefined) return undefined;
    try {
      return limitOf(this.#groups.create(instance, pid, resources), resources);
    } catch (reason) {
      this.#logger.warn("a control group cannot be made; limits are watched instead", {
        error: MicroError.from(reason),
      });
      this.#groups = undefined;
      return undefined;
    }
  }

  #byWatching({ pid, resources, say }: LimitedProcess): ProcessLimit {
    const { memoryBytes, cpuCores } = resources;
    if (cpuCores !== undefined) {
      say("its CPU is not limited: the server has no control group to divide; it runs at low priority instead");
      lowerPriority(pid);
    }
    if (memoryBytes === undefined) return unlimited;
    const watched: { readonly bytes: number; reason: string | undefined } = { bytes: memoryBytes, reason: undefined };
    this.#watched.set(pid, watched);
    this.#watching ??= repeat(
      {
        intervalMs: limits.memoryWatchIntervalMs,
        onError: (error) => this.#logger.error("memory of services cannot be watched", { error }),
      },
      () => this.#look(),
    );
    return {
      get reason() {
        return watched.reason;
      },
      end: () => {
        this.#watched.delete(pid);
        if (this.#watched.size === 0) void this.stop();
      },
    };
  }

  #look(): void {
    for (const [pid, used] of readGroupMemory(new Set(this.#watched.keys()))) {
      const watched = this.#watched.get(pid);
      if (watched === undefined || used <= watched.bytes) continue;
      watched.reason = describeExcess(watched.bytes);
      signalGroup(pid, "SIGKILL");
    }
  }
}

function limitOf(group: ControlGroup, { memoryBytes = 0 }: ResourceLimits): ProcessLimit {
  let reason: string | undefined;
  return {
    get reason() {
      if (group.ranOutOfMemory) reason ??= describeExcess(memoryBytes);
      return reason;
    },
    end: () => {
      // Asked while the group is still there.
      if (group.ranOutOfMemory) reason ??= describeExcess(memoryBytes);
      group.remove();
    },
  };
}

function describeExcess(bytes: number): string {
  return `used more than the ${formatMemorySize(bytes)} of memory that it may, and was killed`;
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    // It is gone already.
  }
}
