import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { ServiceNode } from "#interface/registry.ts";

/** How often it is looked whether the last call has ended; other processes of the server hear within it that no more may begin. */
const pollMs = 20;

/**
 * Waits until the calls under way to these nodes have ended, no longer than limits.drainTimeoutMs. No new ones may begin
 * meanwhile. Services on our framework are left out: they do that themselves when they are asked to end.
 */
export async function drainCalls(
  nodes: readonly ServiceNode[],
  callsTo: (addresses: readonly string[]) => Promise<number>,
  signal: AbortSignal,
): Promise<void> {
  const addresses = nodes.filter(({ metadata }) => metadata["server"] !== "micro-ts").map(({ address }) => address);
  const endMs = performance.now() + limits.drainTimeoutMs;
  while (addresses.length > 0 && !signal.aborted && performance.now() < endMs) {
    await delay(pollMs, signal);
    if ((await callsTo(addresses)) === 0) return;
  }
}
