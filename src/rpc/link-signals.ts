/** Aborts `target` when `signal` does. What is returned ends the link, so that a signal that lives long keeps nothing of it. */
export function linkSignals(signal: AbortSignal | undefined, target: AbortController): { release(): void } {
  if (signal === undefined) return { release: () => undefined };
  const onAbort = (): void => target.abort(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return { release: () => signal.removeEventListener("abort", onAbort) };
}
