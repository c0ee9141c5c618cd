import type { Clock } from "#base/clock.ts";
import { formatDuration } from "#base/duration.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";

interface Failures {
  /** Wrong secrets in a row within the window. */
  count: number;
  lastMs: number;
  blockedUntilMs: number;
}

/** Makes guessing slow: after some wrong secrets for an account its logins wait, longer with each further one. */
export class LoginThrottle {
  readonly #clock: Clock;
  readonly #byAccount = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws MicroError `too_many_requests` while the account has to wait, also for the right secret. */
  check(account: string): void {
    const waitMs = (this.#byAccount.get(account)?.blockedUntilMs ?? 0) - this.#clock.now();
    if (waitMs <= 0) return;
    const detail = `too many wrong secrets: try again in ${formatDuration(waitMs + 999)}`;
    throw new MicroError("too_many_requests", detail);
  }

  fail(account: string): void {
    const nowMs = this.#clock.now();
    const known = this.#byAccount.get(account);
    const isOld =
      known === undefined || nowMs - Math.max(known.lastMs, known.blockedUntilMs) > limits.loginFailureWindowMs;
    const count = isOld ? 1 : known.count + 1;
    const excess = count - limits.loginFailureCountMax;
    const waitMs = excess < 0 ? 0 : Math.min(limits.loginWaitMaxMs, limits.loginWaitMs * 2 ** excess);
    // Deleting first moves the account to the end: the one that failed longest ago is forgotten first.
    this.#byAccount.delete(account);
    this.#byAccount.set(account, { count, lastMs: nowMs, blockedUntilMs: nowMs + waitMs });
    this.#forgetOldest();
  }

  succeed(account: string): void {
    this.#byAccount.delete(account);
  }

  #forgetOldest(): void {
    if (this.#byAccount.size <= limits.loginThrottleCountMax) return;
    const [oldest] = this.#byAccount.keys();
    if (oldest !== undefined) this.#byAccount.delete(oldest);
  }
}
