import { MicroError } from "#base/error.ts";

/** How late a call may learn that its caller left or that its time is up, in milliseconds. */
const intervalMs = 100;

/** A call that is waited for. */
export interface WatchedCall {
  /** Aborts when the caller leaves or the deadline passes. */
  readonly signal: AbortSignal;
  /** The call is over. */
  release(): void;
}

interface Entry {
  readonly controller: AbortController;
  readonly caller: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number;
}

/**
 * Ends calls whose caller left or whose time is up, by a look at all of them now and then. A timer and a listener for
 * each call would be exact, and cost as much as the rest of a short call together.
 */
export class CallWatch {
  readonly #entries = new Set<Entry>();
  #timer: ReturnType<typeof setInterval> | undefined;

  begin(caller: AbortSignal, deadlineMs: number): WatchedCall {
    const controller = new AbortController();
    const entry: Entry = { controller, caller, deadlineMs };
    this.#entries.add(entry);
    this.#timer ??= setInterval(() => this.#look(), intervalMs);
    return { signal: controller.signal, release: () => this.#entries.delete(entry) };
  }

  #look(): void {
    if (this.#entries.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const nowMs = Date.now();
    for (const { controller, caller, deadlineMs } of this.#entries) {
      if (caller.aborted) controller.abort(new MicroError("cancelled", "the caller cancelled the call"));
      else if (deadlineMs <= nowMs) controller.abort(new MicroError("timeout", "context deadline exceeded"));
    }
  }
}
