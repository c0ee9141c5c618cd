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

export interface EndGroupOptions {
  /** Time between TERM and KILL, in milliseconds. */
  readonly graceMs: number;
  /** True while the group's first process lives. */
  readonly isAlive: () => boolean;
}

/** TERM, a grace, KILL, for a group that is not made of our children; returns when its first process is gone. */
export async function endForeignGroup(groupId: number, { graceMs, isAlive }: EndGroupOptions): Promise<void> {
  signalGroup(groupId, "SIGTERM");
  for (const endMs = performance.now() + graceMs; isAlive() && performance.now() < endMs;) await delay(pollMs);
  signalGroup(groupId, "SIGKILL");
  for (const endMs = performance.now() + graceMs; isAlive() && performance.now() < endMs;) await delay(pollMs);
}
