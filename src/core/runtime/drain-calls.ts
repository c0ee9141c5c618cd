import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { ServiceNode } from "#interface/registry.ts";

/** How often it is looked whether the last call has ended, in milliseconds. */
const pollMs = 20;

/**
 * Waits until the calls under way to these nodes have ended, no longer than limits.drainTimeoutMs. No new ones may begin
 * meanwhile. Services on our framework are left out: they do that themselves when they are asked to end.
 */
export async function drainCalls(
  nodes: readonly ServiceNode[],
  callsTo: (node: ServiceNode) => number,
  signal: AbortSignal,
): Promise<void> {
  const others = nodes.filter(({ metadata }) => metadata["server"] !== "micro-ts");
  const endMs = performance.now() + limits.drainTimeoutMs;
  const isBusy = (): boolean => others.some((node) => callsTo(node) > 0) && performance.now() < endMs;
  while (isBusy() && !signal.aborted) await delay(pollMs, signal);
}
