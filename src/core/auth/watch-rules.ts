import type { RuleBook, RuleSet } from "./rule-book.ts";
import type { EndedTokens, TokenCutoffs } from "./token-cutoffs.ts";

/** Means every namespace that has rules of its own. */
export const everyNamespace = "*";

/** The rules of a namespace, with the tokens of its accounts that ended since the last one. */
export interface WatchedRules extends RuleSet {
  readonly ended: readonly EndedTokens[];
}

export interface WatchRulesDeps {
  readonly book: RuleBook;
  readonly cutoffs: TokenCutoffs;
}

/**
 * The rules as they are, then after each change, until `signal` aborts. A reader that falls behind skips what was
 * replaced meanwhile: at most one set of rules waits for each namespace.
 */
export async function* watchRules(
  { book, cutoffs }: WatchRulesDeps,
  namespace: string,
  signal: AbortSignal,
): AsyncGenerator<WatchedRules, void> {
  const isEvery = namespace === everyNamespace;
  const waiting = new Map((isEvery ? book.all() : [book.get(namespace)]).map((set) => [set.namespace, set]));
  const ended = new Map<string, Map<string, EndedTokens>>();
  const add = (each: EndedTokens): void => {
    const known = ended.get(each.namespace) ?? new Map<string, EndedTokens>();
    ended.set(each.namespace, known.set(each.id, each));
  };
  // Tokens may have ended in a namespace whose rules nobody ever changed.
  for (const each of isEvery ? cutoffs.all() : cutoffs.of(namespace)) {
    add(each);
    waiting.set(each.namespace, book.get(each.namespace));
  }
  let wake = Promise.withResolvers<void>();
  const onAbort = (): void => wake.resolve();
  const unsubscribeRules = book.onChange((set) => {
    if (!isEvery && set.namespace !== namespace) return;
    waiting.set(set.namespace, set);
    wake.resolve();
  });
  const unsubscribeTokens = cutoffs.onChange((each) => {
    if (!isEvery && each.namespace !== namespace) return;
    add(each);
    waiting.set(each.namespace, book.get(each.namespace));
    wake.resolve();
  });
  signal.addEventListener("abort", onAbort);
  try {
    while (!signal.aborted) {
      for (const [name, set] of waiting) {
        waiting.delete(name);
        const since = [...(ended.get(name)?.values() ?? [])];
        ended.delete(name);
        yield { ...set, ended: since };
      }
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  } finally {
    unsubscribeRules();
    unsubscribeTokens();
    signal.removeEventListener("abort", onAbort);
  }
}
