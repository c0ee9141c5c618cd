/** Longest wait for a condition; only a hung system gets near it. */
const usualPatienceMs = 30_000;

/**
 * Waits until `condition` gives something other than false, undefined or null, and returns it.
 *
 * @param patienceMs longest wait, for what may take longer than usual
 * @throws Error that names `what` when it has not come true by then.
 */
export async function waitUntil<T>(
  what: string,
  condition: () => T | Promise<T>,
  patienceMs = usualPatienceMs,
): Promise<Exclude<T, false | undefined | null>> {
  const endMs = Date.now() + patienceMs;
  for (;;) {
    const value = await condition();
    if (isThere(value)) return value;
    if (Date.now() > endMs) throw new Error(`waited ${patienceMs / 1_000} s in vain: ${what}`);
    await Bun.sleep(10);
  }
}

function isThere<T>(value: T): value is Exclude<T, false | undefined | null> {
  return value !== false && value !== undefined && value !== null;
}
