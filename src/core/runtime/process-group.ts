import { readdirSync, readFileSync } from "node:fs";
import { delay } from "#base/lifecycle.ts";

/** How often the end of a process that is not our child is looked for, in milliseconds. */
const pollMs = 20;

/** Sends a signal to every process of a group. A group that is gone is no failure. */
export function signalGroup(groupId: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-groupId, signal);
  } catch {
    // Nobody is left, or nobody that we may signal; in both cases there is nothing more to do.
  }
}

/**
 * True when a process of this group has `text` in the environment that it was started with. Linux only; elsewhere false.
 */
export function groupHasEnvironment(groupId: number, text: string): boolean {
  if (process.platform !== "linux" || !groupExists(groupId)) return false;
  return readdirSync("/proc").some(
    (name) => /^\d+$/.test(name) && isMember(name, groupId) && readEnv(name).includes(text),
  );
}

/** Ids of processes that were started with such an environment, variables apart by zero characters. Linux only; elsewhere none. */
export function findByEnvironment(matches: (environment: string) => boolean): readonly number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) && matches(readEnv(name)) ? [Number(name)] : []));
}

export interface EndGroupOptions {
  /** Time between TERM and KILL, in milliseconds. */
  readonly graceMs: number;
  /** True while any of it lives. */
  readonly isAlive: () => boolean;
}

/** TERM, a grace, KILL, for a group that is not made of our children; returns when it is gone. */
export async function endForeignGroup(groupId: number, { graceMs, isAlive }: EndGroupOptions): Promise<void> {
  signalGroup(groupId, "SIGTERM");
  for (const endMs = performance.now() + graceMs; isAlive() && performance.now() < endMs;) await delay(pollMs);
  signalGroup(groupId, "SIGKILL");
  for (const endMs = performance.now() + graceMs; isAlive() && performance.now() < endMs;) await delay(pollMs);
}

function groupExists(groupId: number): boolean {
  try {
    process.kill(-groupId, 0);
    return true;
  } catch {
    return false;
  }
}

function isMember(pid: string, groupId: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // After the name in brackets: state, parent, group.
    const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state !== "Z" && group === String(groupId);
  } catch {
    return false;
  }
}

function readEnv(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}
