import { MicroError } from "#base/error.ts";
import type { CancelSignal } from "./http-client.ts";

/** What ends a call from the caller's side. */
export interface CallBounds {
  /** Milliseconds since the epoch. */
  readonly deadlineMs?: number;
  readonly signal?: CancelSignal;
}

/** Above this, `setTimeout` would fire at once; a deadline 24 days away needs no timer. */
const timerMsMax = 2 ** 31 - 1;

/** Milliseconds that are left to a call; undefined when it has no deadline. @throws MicroError `timeout` or `cancelled` when it is over. */
export function remainingMs(bounds: CallBounds): number | undefined {
  if (bounds.signal?.aborted === true) throw abortReason(bounds.signal);
  if (bounds.deadlineMs === undefined) return undefined;
  const remaining = bounds.deadlineMs - Date.now();
  if (remaining <= 0) throw deadlineExceeded();
  return remaining;
}

/**
 * Calls `onEnd` when the deadline passes or the caller's signal aborts. The function that is returned must be called
 * when the call is over.
 */
export function watchCallEnd(bounds: CallBounds, onEnd: (reason: MicroError) => void): () => void {
  const { deadlineMs, signal } = bounds;
  const onAbort = signal === undefined ? undefined : () => onEnd(abortReason(signal));
  if (onAbort !== undefined) signal?.addEventListener("abort", onAbort, { once: true });
  const isTimed = deadlineMs !== undefined && signal?.coversDeadline !== true;
  const timer = !isTimed ? undefined : startTimer(deadlineMs, () => onEnd(deadlineExceeded()));
  return () => {
    if (timer !== undefined) clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
  };
}

/**
 * True when the time of a call is up, whether its own timer has said so or not: a peer that keeps the same time may end the
 * call in the millisecond in which we would.
 */
export function isTimeUp({ deadlineMs }: CallBounds): boolean {
  return deadlineMs !== undefined && deadlineMs - Date.now() <= 1;
}

/** The failure of a call whose time is up. */
export function deadlineExceeded(): MicroError {
  return new MicroError("timeout", "context deadline exceeded");
}

/** The failure of a call whose caller left. */
export function callCancelled(): MicroError {
  return new MicroError("cancelled", "the call was cancelled");
}

function abortReason(signal: CancelSignal): MicroError {
  return MicroError.from(signal.reason, { code: "cancelled" });
}

function startTimer(deadlineMs: number, onEnd: () => void): NodeJS.Timeout | undefined {
  const waitMs = Math.max(0, deadlineMs - Date.now());
  return waitMs > timerMsMax ? undefined : setTimeout(onEnd, waitMs);
}
