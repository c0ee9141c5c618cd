import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { CircuitBreaker, type CircuitBreakerOptions } from "./circuit-breaker.ts";
import { RetryBudget, type RetryBudgetOptions } from "./retry-budget.ts";

export interface ServiceGateOptions {
  readonly breaker?: CircuitBreakerOptions;
  readonly budget?: RetryBudgetOptions;
  /** Calls to one service under way. @default limits.callsPerServiceMax */
  readonly callCountMax?: number;
}

/** What one client allows towards one service: how many calls, whether any, and how many retries. */
export class ServiceGate {
  readonly breaker: CircuitBreaker;
  readonly budget: RetryBudget;
  readonly #service: string;
  readonly #callCountMax: number;
  #callCount = 0;

  constructor(service: string, options: ServiceGateOptions) {
    this.#service = service;
    this.breaker = new CircuitBreaker(options.breaker);
    this.budget = new RetryBudget(options.budget);
    this.#callCountMax = options.callCountMax ?? limits.callsPerServiceMax;
  }

  /**
   * A call begins; `leave()` must follow.
   *
   * @throws MicroError `unavailable` with `neverSent` when the circuit is open or too many calls are under way.
   */
  enter(): void {
    if (this.#callCount >= this.#callCountMax) {
      throw refusal(this.#service, `${this.#callCount} calls are under way and none ends; try again later`);
    }
    const waitMs = this.breaker.admit();
    if (waitMs > 0) {
      throw refusal(
        this.#service,
        `it could not be reached for a while; the next attempt is in ${Math.ceil(waitMs)} ms`,
      );
    }
    this.#callCount += 1;
    this.budget.noteCall();
  }

  leave(): void {
    this.#callCount -= 1;
  }

  /** True when forgetting it loses nothing. */
  get isIdle(): boolean {
    return this.#callCount === 0 && this.breaker.isQuiet && this.budget.isFull;
  }
}

function refusal(service: string, what: string): MicroError {
  return new MicroError("unavailable", `service ${service}: ${what}`, { at: service, neverSent: true });
}

/** Gates are swept when there are this many. */
const gateCountMax = 1_024;

/** The gates of one client, by namespace and service. */
export class ServiceGates {
  readonly #options: ServiceGateOptions;
  readonly #gates = new Map<string, ServiceGate>();

  constructor(options: ServiceGateOptions = {}) {
    this.#options = options;
  }

  of(service: string, namespace: string): ServiceGate {
    const key = `${namespace}/${service}`;
    const known = this.#gates.get(key);
    if (known !== undefined) return known;
    if (this.#gates.size >= gateCountMax) this.#sweep();
    const gate = new ServiceGate(service, this.#options);
    this.#gates.set(key, gate);
    return gate;
  }

  #sweep(): void {
    for (const [key, gate] of this.#gates) if (gate.isIdle) this.#gates.delete(key);
  }
}
