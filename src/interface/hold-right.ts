import { MicroError } from "#base/error.ts";
import type { DataRules } from "./auth.ts";

/** What a stream needs for as long as it lasts. */
export interface HeldRight {
  readonly rules: DataRules | undefined;
  /** Ends the stream from outside. */
  readonly signal: AbortSignal;
  /** Throws when the right is gone. Asked again after each change of rules. */
  readonly check: () => void;
}

/**
 * A stream that ends when the rules take its right away.
 *
 * @param open makes the stream; its signal aborts with that of the call, or when the right is gone
 * @throws MicroError that `check` throws then
 */
export async function* holdRight<T>(
  { rules, signal, check }: HeldRight,
  open: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncGenerator<T, void> {
  if (rules === undefined) {
    yield* open(signal);
    return;
  }
  const ending = new AbortController();
  const end = (): void => ending.abort(signal.reason);
  let loss: MicroError | undefined;
  const unsubscribe = rules.onChange(() => {
    try {
      check();
    } catch (reason) {
      loss = MicroError.from(reason);
      ending.abort(loss);
    }
  });
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  try {
    for await (const each of open(ending.signal)) {
      if (loss !== undefined) throw loss;
      yield each;
    }
    if (loss !== undefined) throw loss;
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", end);
  }
}
