const unitMs: ReadonlyMap<string, number> = new Map([
  ["H", 3_600_000],
  ["M", 60_000],
  ["S", 1_000],
  ["m", 1],
  ["u", 1e-3],
  ["n", 1e-6],
]);

/** Digits that the value of `grpc-timeout` may have. */
const grpcTimeoutMax = 99_999_999;

/**
 * The value of `grpc-timeout` ("100m", "5S", at most eight digits and a unit) in milliseconds, rounded up; undefined
 * when it is not of that form.
 */
export function parseGrpcTimeout(text: string): number | undefined {
  if (!/^\d{1,8}[HMSmun]$/.test(text)) return undefined;
  return Math.ceil(Number(text.slice(0, -1)) * (unitMs.get(text.slice(-1)) ?? 1));
}

/** Milliseconds as a value of `grpc-timeout`, rounded up; what is negative counts as 0. */
export function formatGrpcTimeout(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  if (whole <= grpcTimeoutMax) return `${whole}m`;
  const seconds = Math.ceil(whole / 1_000);
  if (seconds <= grpcTimeoutMax) return `${seconds}S`;
  return `${Math.min(grpcTimeoutMax, Math.ceil(seconds / 3_600))}H`;
}

/** The value of Micro's `timeout` header, decimal nanoseconds, in milliseconds, rounded up; undefined for other text. */
export function parseTimeoutHeader(text: string): number | undefined {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  // Above fifteen digits a double would lose nanoseconds and, after rounding up, a whole millisecond.
  return text.length <= 15 ? Math.ceil(Number(text) / 1e6) : Number((BigInt(text) + 999_999n) / 1_000_000n);
}

/** Milliseconds as a value of Micro's `timeout` header. */
export function formatTimeoutHeader(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  // Digits, because the product would leave the exact numbers above three months.
  return whole === 0 ? "0" : `${whole}000000`;
}

/** The value of `connect-timeout-ms`, at most ten digits; undefined for other text. */
export function parseConnectTimeout(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
