import { backoffMs, type BackoffOptions } from "#base/backoff.ts";
import type { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";

/** Most breaks are restarts, which take a second or two. */
const defaultBackoff: BackoffOptions = { initialMs: 100, maxMs: 5_000 };
/** A token that has just ended is replaced at once; one that is refused time and again stays refused. */
const refusedLoginCountMax = 3;
/** Trying again does not help, whatever is read. */
const finalCodes: readonly MicroError["code"][] = ["invalid_argument", "permission_denied", "unimplemented"];

/** Whether a reader that lost its connection makes another one, and after how long. */
export class Reconnection {
  readonly #finalCodes: ReadonlySet<MicroError["code"]>;
  readonly #backoff: BackoffOptions;
  #failureCount = 0;
  #refusedLoginCount = 0;

  /**
   * @param options.finalCodes further codes after which it gives up
   * @param options.backoff waits between two attempts. @default 100 ms, doubled up to 5 s
   */
  constructor(options: { readonly finalCodes?: readonly MicroError["code"][]; readonly backoff?: BackoffOptions }) {
    this.#finalCodes = new Set([...finalCodes, ...(options.finalCodes ?? [])]);
    this.#backoff = options.backoff ?? defaultBackoff;
  }

  /** Something came: the next break is a new one. */
  succeeded(): void {
    this.#failureCount = 0;
    this.#refusedLoginCount = 0;
  }

  /** True when a connection that ended with this need not be made again. */
  isFinal({ code }: MicroError): boolean {
    if (code === "unauthenticated") this.#refusedLoginCount += 1;
    return this.#finalCodes.has(code) || this.#refusedLoginCount >= refusedLoginCountMax;
  }

  /** Counts another break; says how many there were in a row. */
  failed(): number {
    this.#failureCount += 1;
    return this.#failureCount;
  }

  /** Returns when another connection may be made, or when `signal` aborts. */
  wait(signal: AbortSignal): Promise<void> {
    return delay(backoffMs(this.#failureCount, this.#backoff), signal);
  }
}
