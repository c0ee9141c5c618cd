import { MicroError } from "#base/error.ts";
import { linkSignals } from "#rpc/link-signals.ts";

/** A signal with a time limit, and what ends both when they are not needed any more. */
export interface TimedSignal {
  readonly signal: AbortSignal;
  release(this: void): void;
}

/**
 * A signal that aborts with `signal`, or after `timeoutMs`.
 *
 * `AbortSignal.any()` of an `AbortSignal.timeout()` would say the same, but Node 20 collects the pair while somebody waits
 * for it, and then it never fires. A timer of our own is held until it is released.
 */
export function createTimedSignal(signal: AbortSignal, timeoutMs: number): TimedSignal {
  const controller = new AbortController();
  const link = linkSignals(signal, controller);
  const timer = setTimeout(() => controller.abort(new MicroError("timeout", "the time is up")), timeoutMs);
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer);
      link.release();
    },
  };
}
