import type { MicroError } from "#base/error.ts";
import type { RetryBudget } from "./retry-budget.ts";

export interface RetryPlanConfig {
  readonly retryCountMax: number;
  readonly unsentRoundCountMax: number;
}

/**
 * What one call has tried so far, and what it may still try.
 *
 * Calls that reached no handler go to every node once, then round again after a wait. Answers 500 and 408 are repeated a
 * few times, other answers never. Both only while the budget, which all calls to the service share, allows it.
 */
export class RetryPlan {
  readonly #config: RetryPlanConfig;
  readonly #budget: RetryBudget;
  readonly #tried = new Set<string>();
  #answeredCount = 0;
  #roundCount = 0;
  #lastFailure: MicroError | undefined;

  constructor(config: RetryPlanConfig, budget: RetryBudget) {
    this.#config = config;
    this.#budget = budget;
  }

  /** Addresses that did not take the call in this round. */
  get tried(): ReadonlySet<string> {
    return this.#tried;
  }

  get lastFailure(): MicroError | undefined {
    return this.#lastFailure;
  }

  /** Waits so far, the one that is about to begin included. */
  get repeatCount(): number {
    return this.#answeredCount + this.#roundCount;
  }

  noteUnsent(address: string, failure: MicroError): void {
    this.#tried.add(address);
    this.#lastFailure = failure;
  }

  noteAnswered(failure: MicroError): void {
    this.#answeredCount += 1;
    this.#lastFailure = failure;
  }

  /** True when the call may go to the nodes once more; false when it has done so often enough. */
  beginRound(): boolean {
    if (this.#roundCount >= this.#config.unsentRoundCountMax || !this.#budget.spend()) return false;
    this.#roundCount += 1;
    this.#tried.clear();
    return true;
  }

  /** True when a call that was answered like this may be sent again. A 408 after our own deadline is no answer. */
  mayRepeat(failure: MicroError, deadlineMs: number | undefined): boolean {
    if (this.#answeredCount >= this.#config.retryCountMax) return false;
    if (deadlineMs !== undefined && Date.now() >= deadlineMs) return false;
    return (failure.httpStatus === 500 || failure.httpStatus === 408) && this.#budget.spend();
  }
}
