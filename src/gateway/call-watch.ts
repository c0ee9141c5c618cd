import { MicroError } from "#base/error.ts";
import type { CancelSignal } from "#rpc/http-client.ts";
import type { ServerCall } from "#rpc/server-call.ts";

/** How late a call may learn that its caller left or that its time is up, in milliseconds. */
const intervalMs = 100;

/**
 * Ends calls whose caller left or whose time is up, by a look at all of them now and then. A timer, a listener and an
 * AbortSignal for each call would be exact, and cost as much as the rest of a short call together.
 */
export class CallWatch {
  readonly #calls = new Set<WatchedCall>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param deadlineMs milliseconds since the epoch. */
  begin(call: ServerCall, deadlineMs: number): WatchedCall {
    const watched = new WatchedCall(call, deadlineMs, this.#calls);
    this.#calls.add(watched);
    this.#timer ??= setInterval(() => this.#look(), intervalMs);
    return watched;
  }

  #look(): void {
    if (this.#calls.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const nowMs = Date.now();
    for (const watched of this.#calls) watched.look(nowMs);
  }
}

/** A call that is waited for: it aborts when its caller leaves or its deadline passes. */
export class WatchedCall implements CancelSignal {
  readonly coversDeadline = true;
  readonly #call: ServerCall;
  readonly deadlineMs: number;
  readonly #calls: Set<WatchedCall>;
  readonly #listeners: (() => void)[] = [];
  #reason: MicroError | undefined;

  constructor(call: ServerCall, deadlineMs: number, calls: Set<WatchedCall>) {
    this.#call = call;
    this.deadlineMs = deadlineMs;
    this.#calls = calls;
  }

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): MicroError | undefined {
    return this.#reason;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    const at = this.#listeners.indexOf(listener);
    if (at !== -1) this.#listeners.splice(at, 1);
  }

  /** Aborts where there is a reason to. The signal of the request is made only here: most calls are over by then. */
  look(nowMs: number): void {
    if (this.#reason !== undefined) return;
    if (this.#call.signal.aborted) this.#abort(new MicroError("cancelled", "the caller cancelled the call"));
    else if (this.deadlineMs <= nowMs) this.#abort(new MicroError("timeout", "context deadline exceeded"));
  }

  /** The call is over. */
  release(): void {
    this.#calls.delete(this);
  }

  #abort(reason: MicroError): void {
    this.#reason = reason;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
