import { backoffMs, type BackoffOptions } from "#base/backoff.ts";
import { systemClock, type Clock } from "#base/clock.ts";

export interface CircuitBreakerOptions {
  /** Calls in a row that no node took or finished before the circuit opens. @default 20 */
  readonly failureCount?: number;
  /** How long this must have gone on, in milliseconds. @default 2_000 – longer than a restart, which calls wait out */
  readonly failureMs?: number;
  /** Time between the single calls that are let through an open circuit. @default 250 ms at first, doubled up to 1 s */
  readonly probe?: BackoffOptions;
  readonly clock?: Clock;
}

/**
 * Stops calls to a service that cannot be reached, so that its callers learn it at once and do not pile up. It counts
 * connections that fail or break; answers of the service, errors too, show that it is there. One call in a while is let
 * through to see whether it is back.
 */
export class CircuitBreaker {
  readonly #config: Required<Omit<CircuitBreakerOptions, "clock">>;
  readonly #clock: Clock;
  #failureCount = 0;
  #failingSinceMs = 0;
  /** Calls that were let through the open circuit in vain; 0: it is closed. */
  #probeCount = 0;
  #nextProbeAtMs = 0;

  constructor(options: CircuitBreakerOptions = {}) {
    const { clock, ...given } = options;
    this.#config = { failureCount: 20, failureMs: 2_000, probe: { initialMs: 250, maxMs: 1_000 }, ...given };
    this.#clock = clock ?? systemClock;
  }

  /** True while calls are refused. */
  get isOpen(): boolean {
    return this.#probeCount > 0;
  }

  /** True when there is nothing to remember. */
  get isQuiet(): boolean {
    return this.#failureCount === 0;
  }

  /** Milliseconds until a call is let through; 0: this one is. */
  admit(): number {
    if (this.#probeCount === 0) return 0;
    const waitMs = this.#nextProbeAtMs - this.#clock.now();
    if (waitMs > 0) return waitMs;
    this.#probeLater();
    return 0;
  }

  /** The service answered. */
  succeeded(): void {
    this.#failureCount = 0;
    this.#probeCount = 0;
  }

  /** A call could not be brought to the service, or broke off. */
  failed(): void {
    const nowMs = this.#clock.now();
    if (this.#failureCount === 0) this.#failingSinceMs = nowMs;
    this.#failureCount += 1;
    const { failureCount, failureMs } = this.#config;
    if (this.#probeCount > 0 || this.#failureCount < failureCount || nowMs - this.#failingSinceMs < failureMs) return;
    this.#probeLater();
  }

  #probeLater(): void {
    this.#probeCount += 1;
    this.#nextProbeAtMs = this.#clock.now() + backoffMs(this.#probeCount, this.#config.probe);
  }
}
