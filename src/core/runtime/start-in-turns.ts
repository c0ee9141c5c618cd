import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";

/** Something that is started, a service or one process of it. */
export interface Startable {
  start(): void;
  /** Resolves when its first attempt to start has ended, well or not. */
  settled(): Promise<unknown>;
}

/** One that takes longer, or never registers, does not hold up the others, in milliseconds. */
const patienceMs = 2_000;

/** Starts many, a few at a time: the next one when one of them answers, has failed, or is slow. */
export async function startInTurns(all: readonly Startable[], mayGoOn: () => boolean): Promise<void> {
  const waiting = [...all];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && mayGoOn(); next = waiting.shift()) {
      next.start();
      const settled = new AbortController();
      await Promise.race([next.settled(), delay(patienceMs, settled.signal)]);
      settled.abort();
    }
  };
  await Promise.all(Array.from({ length: limits.startConcurrencyMax }, worker));
}
