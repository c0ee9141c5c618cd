import { MicroError } from "./error.ts";

/** Something that runs until it is stopped. `stop` may be called more than once; later calls await the first. */
export interface Stoppable {
  stop(): Promise<void>;
}

export interface RepeatOptions {
  readonly intervalMs: number;
  /** A round that failed is reported here and does not end the task. */
  readonly onError: (error: MicroError) => void;
}

/** Runs `round` every `intervalMs`, never two at a time, until stopped. The first round runs after one interval. */
export function repeat(options: RepeatOptions, round: () => Promise<void> | void): Stoppable {
  let current: Promise<void> | undefined;
  const timer = setInterval(() => {
    if (current !== undefined) return;
    current = Promise.resolve()
      .then(round)
      .catch((reason: unknown) => options.onError(MicroError.from(reason)))
      .finally(() => {
        current = undefined;
      });
  }, options.intervalMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await current;
    },
  };
}

/** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener("abort", finish, { once: true });
  });
}

/** Stops everything, the last started first; goes on past failures and throws the first of them at the end. */
export async function stopAll(parts: readonly Stoppable[]): Promise<void> {
  const failures: unknown[] = [];
  for (const part of parts.toReversed()) {
    try {
      await part.stop();
    } catch (reason) {
      failures.push(reason);
    }
  }
  if (failures.length > 0) throw MicroError.from(failures[0]);
}
