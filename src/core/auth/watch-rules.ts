import type { RuleBook, RuleSet } from "./rule-book.ts";

/** Means every namespace that has rules of its own. */
export const everyNamespace = "*";

/**
 * The rules as they are, then after each change, until `signal` aborts. A reader that falls behind skips what was
 * replaced meanwhile: at most one set of rules waits for each namespace.
 */
export async function* watchRules(
  book: RuleBook,
  namespace: string,
  signal: AbortSignal,
): AsyncGenerator<RuleSet, void> {
  const isEvery = namespace === everyNamespace;
  const waiting = new Map((isEvery ? book.all() : [book.get(namespace)]).map((set) => [set.namespace, set]));
  let wake = Promise.withResolvers<void>();
  const onAbort = (): void => wake.resolve();
  const unsubscribe = book.onChange((set) => {
    if (!isEvery && set.namespace !== namespace) return;
    waiting.set(set.namespace, set);
    wake.resolve();
  });
  signal.addEventListener("abort", onAbort);
  try {
    while (!signal.aborted) {
      for (const [name, set] of waiting) {
        waiting.delete(name);
        yield set;
      }
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", onAbort);
  }
}
