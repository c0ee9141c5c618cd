import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";

/** Something that a process is there for. */
export interface Runnable extends Stoppable {
  readonly name: string;
  start(): Promise<unknown>;
}

/** What shells report for a process that a second Ctrl-C ended. */
const interruptedExitCode = 130;

/**
 * Starts it, waits for SIGTERM or SIGINT, stops it and ends the process: 0 after a clean stop, 1 when it could not start
 * or stop. A second signal ends the process at once.
 */
export async function runUntilSignal(runnable: Runnable): Promise<never> {
  const signalled = new Promise<void>((resolve) => {
    let isStopping = false;
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      process.on(name, () => {
        if (isStopping) process.exit(interruptedExitCode);
        isStopping = true;
        resolve();
      });
    }
  });
  try {
    const starting = runnable.start();
    // A signal during the start waits for it: half a start cannot be stopped cleanly.
    await starting;
    await signalled;
    await runnable.stop();
  } catch (reason) {
    process.stderr.write(`${runnable.name}: ${describe(reason)}\n`);
    process.exit(1);
  }
  process.exit(0);
}

/** One line with the failures behind it: here the reader is the author of the service. */
function describe(reason: unknown): string {
  const parts: string[] = [];
  let current: unknown = MicroError.from(reason);
  for (let depth = 0; current instanceof Error && depth < 4; depth += 1, current = current.cause) {
    if (!parts.includes(current.message)) parts.push(current.message);
  }
  return parts.join(": ").replaceAll("\n", " ");
}
