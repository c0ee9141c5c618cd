import { defaultRule } from "#core/auth/rule-record.ts";
import type { EndedTokens } from "#core/auth/token-cutoffs.ts";
import type { Rule } from "#interface/auth.ts";
import type { NamespaceRules } from "./worker-message.ts";

/** The rules of another process, and the tokens that ended there before their time, as it tells them. */
export class MirrorRules {
  readonly #sets = new Map<string, readonly Rule[]>();
  /** First generation that counts, by `namespace/id`. */
  readonly #generations = new Map<string, number>();
  readonly #ruleListeners = new Set<() => void>();
  readonly #endListeners = new Set<(ended: EndedTokens) => void>();

  applyRules(sets: readonly NamespaceRules[]): void {
    for (const { namespace, rules } of sets) this.#sets.set(namespace, rules);
    for (const listener of this.#ruleListeners) listener();
  }

  applyEnded(tokens: readonly EndedTokens[]): void {
    for (const ended of tokens) {
      this.#generations.set(`${ended.namespace}/${ended.id}`, ended.generation);
      for (const listener of this.#endListeners) listener(ended);
    }
  }

  /** The rules that apply in a namespace now. */
  rulesOf(namespace: string): readonly Rule[] {
    return this.#sets.get(namespace) ?? [defaultRule];
  }

  /** The first generation of an account's tokens that counts; 0 when all do. */
  get(namespace: string, id: string): number {
    return this.#generations.get(`${namespace}/${id}`) ?? 0;
  }

  /** Calls `listener` after each change of rules. Returns what ends that. */
  onRules(listener: () => void): () => void {
    this.#ruleListeners.add(listener);
    return () => this.#ruleListeners.delete(listener);
  }

  /** Calls `listener` for tokens that have ended. Returns what ends that. */
  onChange(listener: (ended: EndedTokens) => void): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }
}
