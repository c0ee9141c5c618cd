import { limits } from "#base/limits.ts";
import type { Deployment } from "./deployment.ts";

/** Starts many services, a few at a time: the next one when one of them answers or has failed. */
export async function startInTurns(deployments: readonly Deployment[], mayGoOn: () => boolean): Promise<void> {
  const waiting = [...deployments];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && mayGoOn(); next = waiting.shift()) {
      next.start();
      await next.settled();
    }
  };
  await Promise.all(Array.from({ length: limits.startConcurrencyMax }, worker));
}
