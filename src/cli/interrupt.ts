/**
 * Runs what only ends when the user says so: Ctrl-C (or SIGTERM) aborts `signal`, after which the work ends well, whatever
 * it throws. A second Ctrl-C ends the process at once.
 */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    await work(controller.signal);
  } catch (reason) {
    if (!controller.signal.aborted) throw reason;
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}
