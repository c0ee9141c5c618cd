import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, basename } from "node:path";
import type { ResourceLimits } from "#interface/runtime.ts";

/** Length of the slices that CPU is dealt out in, in microseconds: the kernel's own default. */
const cpuPeriodUs = 100_000;
/** Where the server itself moves, since a group that deals out may hold no process. */
const ownLeaf = "server";

/** The limits of the system for one process and all that it starts. */
export interface ControlGroup {
  /** Whether the system killed one of it for its memory. */
  readonly ranOutOfMemory: boolean;
  /** The group is empty: it is removed. */
  remove(): void;
}

/** Control groups of Linux, version 2, below the one that the server was given. */
export class ControlGroups {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Undefined where the machine has none, or the server may not divide its own: then nothing is limited by the system.
   *
   * @param paths where the system shows groups, and which one is ours
   */
  static open(paths = { mount: "/sys/fs/cgroup", own: "/proc/self/cgroup" }): ControlGroups | undefined {
    try {
      const [, name = ""] = /^0::(\/.*)$/m.exec(readFileSync(paths.own, "latin1")) ?? [];
      const own = `${paths.mount}${name === "/" ? "" : name}`;
      const controllers = readFileSync(`${own}/cgroup.controllers`, "latin1").split(/\s+/);
      if (name === "" || !controllers.includes("memory") || !controllers.includes("cpu")) return undefined;
      // Whoever started the server may have put it into a leaf already.
      const folder = basename(own) === ownLeaf ? dirname(own) : own;
      divide(folder);
      return new ControlGroups(folder);
    } catch {
      return undefined;
    }
  }

  /** @throws Error of the file system when the group cannot be made. */
  create(instance: string, pid: number, { memoryBytes, cpuCores }: ResourceLimits): ControlGroup {
    const folder = `${this.#folder}/micro-${instance}`;
    mkdirSync(folder, { recursive: true });
    const set = (name: string, value: string): void => writeFileSync(`${folder}/${name}`, value);
    if (memoryBytes !== undefined) {
      set("memory.max", String(memoryBytes));
      // Without it what is above the limit is swapped; not every kernel counts swap.
      if (existsSync(`${folder}/memory.swap.max`)) set("memory.swap.max", "0");
      set("memory.oom.group", "1");
    }
    if (cpuCores !== undefined) set("cpu.max", `${Math.max(1_000, Math.round(cpuCores * cpuPeriodUs))} ${cpuPeriodUs}`);
    set("cgroup.procs", String(pid));
    return {
      get ranOutOfMemory() {
        return hasKilled(folder);
      },
      remove: () => removeGroup(folder),
    };
  }
}

/** Lets the group deal out memory and CPU; its own processes move into a leaf first, as the kernel wants it. */
function divide(folder: string): void {
  const control = `${folder}/cgroup.subtree_control`;
  const dealt = readFileSync(control, "latin1").split(/\s+/);
  if (dealt.includes("memory") && dealt.includes("cpu")) return;
  const isRoot = !existsSync(`${folder}/cgroup.type`);
  if (!isRoot) {
    mkdirSync(`${folder}/${ownLeaf}`, { recursive: true });
    for (const pid of readFileSync(`${folder}/cgroup.procs`, "latin1")
      .split("\n")
      .filter((each) => each !== "")) {
      writeFileSync(`${folder}/${ownLeaf}/cgroup.procs`, pid);
    }
  }
  writeFileSync(control, "+memory +cpu");
}

function hasKilled(folder: string): boolean {
  try {
    const [, count = "0"] = /^oom_kill (\d+)$/m.exec(readFileSync(`${folder}/memory.events`, "latin1")) ?? [];
    return Number(count) > 0;
  } catch {
    return false;
  }
}

/** A process that is not reaped yet keeps its group; the next one of the same instance takes it over. */
function removeGroup(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // See above.
  }
}
