/** How long to wait before trying again. */
export interface BackoffOptions {
  /** Wait before the second attempt, in milliseconds. @default 100 */
  readonly initialMs?: number;
  /** Longest wait, in milliseconds. @default 30_000 */
  readonly maxMs?: number;
  /** Growth from one attempt to the next. @default 2 */
  readonly factor?: number;
  /** Share of the wait that is random, 0 to 1, so that a crowd does not come back at once. @default 0.2 */
  readonly jitter?: number;
}

/** The wait before attempt `attempt` (1 is the first retry), in milliseconds. */
export function backoffMs(attempt: number, options: BackoffOptions = {}, random: () => number = Math.random): number {
  const { initialMs = 100, maxMs = 30_000, factor = 2, jitter = 0.2 } = options;
  const plain = Math.min(maxMs, initialMs * factor ** Math.max(0, attempt - 1));
  return Math.round(plain * (1 - jitter + jitter * random()));
}
