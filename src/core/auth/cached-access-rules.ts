import { limits } from "#base/limits.ts";
import type { AccessRules, Account, Decision, Resource } from "#interface/auth.ts";
import { evaluateRules } from "./evaluate-rules.ts";
import type { RuleBook } from "./rule-book.ts";

/**
 * Decides from memory. A decision is remembered until any rule changes; an account that the verifier has cached is the
 * same object from call to call, which makes the look-up cheap.
 */
export class CachedAccessRules implements AccessRules {
  readonly #rules: RuleBook;
  readonly #decisions = new Map<string, Decision>();
  #accountNumbers = new WeakMap<Account, number>();
  #accountCount = 0;
  readonly #unsubscribe: () => void;

  constructor(rules: RuleBook) {
    this.#rules = rules;
    this.#unsubscribe = rules.onChange(() => this.#decisions.clear());
  }

  decide(account: Account | undefined, namespace: string, resource: Resource): Decision {
    const who = account === undefined ? 0 : this.#numberOf(account);
    const key = `${who}\n${namespace}\n${resource.type}\n${resource.name}\n${resource.endpoint}`;
    const known = this.#decisions.get(key);
    if (known !== undefined) return known;
    const decision = evaluateRules(this.#rules.get(namespace).rules, { account, namespace, resource });
    // Names come from callers, who could make up any number of them.
    if (this.#decisions.size >= limits.tokenCacheCountMax) this.#decisions.clear();
    this.#decisions.set(key, decision);
    return decision;
  }

  stop(): void {
    this.#unsubscribe();
  }

  #numberOf(account: Account): number {
    const known = this.#accountNumbers.get(account);
    if (known !== undefined) return known;
    this.#accountCount += 1;
    this.#accountNumbers.set(account, this.#accountCount);
    return this.#accountCount;
  }
}
