import type { Clock } from "#base/clock.ts";
import { formatDuration } from "#base/duration.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { FailureTable } from "./failure-table.ts";

/** Where a login comes from and whom it is for. */
export interface LoginSource {
  /** Namespace and id. */
  readonly account: string;
  /** Of the caller, without the port. */
  readonly address: string;
}

/**
 * Makes guessing slow: after some wrong secrets for an account from one address its logins from there wait, longer with each
 * further one. The owner at another address does not, until very many came from many addresses.
 */
export class LoginThrottle {
  readonly #clock: Clock;
  readonly #bySource: FailureTable;
  readonly #byAccount: FailureTable;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#bySource = new FailureTable({ clock, freeCount: limits.loginFailureCountMax });
    this.#byAccount = new FailureTable({ clock, freeCount: limits.loginFailureTotalMax });
  }

  /** @throws MicroError `too_many_requests` while the login has to wait, also for the right secret. */
  check(source: LoginSource): void {
    const untilMs = Math.max(
      this.#bySource.blockedUntilMs(toKey(source)),
      this.#byAccount.blockedUntilMs(source.account),
    );
    const waitMs = untilMs - this.#clock.now();
    if (waitMs <= 0) return;
    const detail = `too many wrong secrets: try again in ${formatDuration(waitMs + 999)}`;
    throw new MicroError("too_many_requests", detail);
  }

  fail(source: LoginSource): void {
    this.#bySource.add(toKey(source));
    this.#byAccount.add(source.account);
  }

  /** Forgets the failures from this address. Those of all together stay: who guesses from elsewhere did not succeed. */
  succeed(source: LoginSource): void {
    this.#bySource.delete(toKey(source));
  }
}

/** Addresses hold no space. */
function toKey({ account, address }: LoginSource): string {
  return `${address} ${account}`;
}
