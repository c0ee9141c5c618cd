import { backoffMs } from "#base/backoff.ts";
import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { ServiceNode } from "#interface/registry.ts";
import type { InstanceNodes } from "./instance-nodes.ts";

/** What a node says when it is asked how it is: well, that it cannot serve, or nothing. */
export type NodeHealth = "serving" | "not_serving" | "silent";

export interface HealthOptions {
  /** Time between two questions to a process that is well, in milliseconds. @default limits.healthIntervalMs */
  readonly healthIntervalMs?: number;
  /** Questions in a row without an answer before a process is taken for hung. @default limits.healthFailureCount */
  readonly healthFailureCount?: number;
}

export interface WatchHealthDeps {
  readonly nodes: Pick<InstanceNodes, "wait">;
  /** Never throws. */
  readonly probe: (node: ServiceNode) => Promise<NodeHealth>;
  /** It serves: for the first time, or again. */
  readonly onReady: () => void;
  /** It answers, and says that it cannot serve. */
  readonly onNotReady: () => void;
  /** It served once, and does not answer any more. */
  readonly onHung: (reason: string) => void;
}

/** Asks a process how it is until `signal` aborts or it hangs; before it has answered it may take as long as it likes. */
export async function watchHealth(
  instance: string,
  deps: WatchHealthDeps,
  { signal, ...options }: HealthOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { healthIntervalMs = limits.healthIntervalMs, healthFailureCount = limits.healthFailureCount } = options;
  let hasServed = false;
  let isReady = false;
  let silentCount = 0;
  for (let attempt = 1; ; attempt += 1) {
    const node = await deps.nodes.wait(instance, signal);
    if (node === undefined) return;
    const health = await deps.probe(node);
    if (signal.aborted) return;
    silentCount = health === "silent" ? silentCount + 1 : 0;
    if (health === "serving" && !isReady) {
      isReady = hasServed = true;
      deps.onReady();
    } else if (health === "not_serving" && isReady) {
      isReady = false;
      attempt = 1;
      deps.onNotReady();
    } else if (hasServed && silentCount >= healthFailureCount) {
      const overSeconds = ((healthFailureCount - 1) * healthIntervalMs) / 1_000;
      return deps.onHung(`hung: no answer to ${healthFailureCount} health checks in a row, over ${overSeconds}s`);
    }
    const isWaitedFor = health !== "serving" && (health === "not_serving" || !hasServed);
    await delay(isWaitedFor ? backoffMs(attempt, firstAnswer) : healthIntervalMs, signal);
    if (signal.aborted) return;
  }
}

/** Soon at first, because a start takes a fraction of a second; rarely later, because a warm-up may take minutes. */
const firstAnswer = { initialMs: 25, maxMs: 1_000, jitter: 0 };
