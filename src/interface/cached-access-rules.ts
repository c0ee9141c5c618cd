import { limits } from "#base/limits.ts";
import type { Account, DataRules, Decision, Resource, Rule } from "./auth.ts";
import { evaluateRules } from "./evaluate-rules.ts";

/** Where rules come from. */
export interface RuleSource {
  /** The rules that apply in a namespace now. */
  rulesOf(namespace: string): readonly Rule[];
  /** True for an account as a token said it that has ended since. @default none has */
  hasEnded?(account: Account): boolean;
  /** Calls `listener` after each change, also of what has ended. Returns what ends that. */
  onChange(listener: () => void): () => void;
}

/**
 * Decides from memory. A decision is remembered until any rule changes; an account that the verifier has cached is the
 * same object from call to call, which makes the look-up cheap.
 */
export class CachedAccessRules implements DataRules {
  readonly #source: RuleSource;
  readonly #decisions = new Map<string, Decision>();
  readonly #names = new Map<string, readonly string[]>();
  #accountNumbers = new WeakMap<Account, number>();
  #accountCount = 0;
  readonly #unsubscribe: () => void;

  constructor(source: RuleSource) {
    this.#source = source;
    this.#unsubscribe = source.onChange(() => {
      this.#decisions.clear();
      this.#names.clear();
    });
  }

  decide(account: Account | undefined, namespace: string, resource: Resource): Decision {
    const who = account === undefined ? 0 : this.#numberOf(account);
    const key = `${who}\n${namespace}\n${resource.type}\n${resource.name}\n${resource.endpoint}`;
    const known = this.#decisions.get(key);
    if (known !== undefined) return known;
    const decision = evaluateRules(this.#source.rulesOf(namespace), { account, namespace, resource });
    // Names come from callers, who could make up any number of them.
    if (this.#decisions.size >= limits.tokenCacheCountMax) this.#decisions.clear();
    this.#decisions.set(key, decision);
    return decision;
  }

  deniedNames(namespace: string, type: string): readonly string[] {
    const key = `${namespace}\n${type}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const names = findDeniedNames(this.#source.rulesOf(namespace), type);
    if (this.#names.size >= limits.tokenCacheCountMax) this.#names.clear();
    this.#names.set(key, names);
    return names;
  }

  hasEnded(account: Account): boolean {
    return this.#source.hasEnded?.(account) ?? false;
  }

  onChange(listener: () => void): () => void {
    return this.#source.onChange(listener);
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

function findDeniedNames(rules: readonly Rule[], type: string): readonly string[] {
  const wanted = type.toLowerCase();
  const about = rules.filter(({ access, resource }) => {
    const stated = resource.type.toLowerCase();
    return access === "denied" && resource.name !== "*" && (stated === "*" || stated === wanted);
  });
  return [...new Set(about.map(({ resource }) => resource.name.toLowerCase()))];
}
