import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { requireName } from "#base/name.ts";
import type { Rule } from "#interface/auth.ts";
import type { Store, StoreChange } from "#interface/store.ts";
import { authKeys, authScope, fromValue, toValue } from "./auth-records.ts";
import { checkRule, defaultRule } from "./rule-record.ts";

/** The rules of one namespace. */
export interface RuleSet {
  readonly namespace: string;
  /** In order of their id. */
  readonly rules: readonly Rule[];
  /** Grows with each change; 0 while nobody has changed anything. */
  readonly version: number;
}

/**
 * The access rules of all namespaces: kept in the store, answered from memory.
 *
 * A namespace has its default rule until somebody changes its rules; that change writes the default rule down and a mark
 * beside it, so that deleting it, like any other, is final.
 */
export class RuleBook {
  readonly #store: Store;
  readonly #sets = new Map<string, RuleSet>();
  readonly #listeners = new Set<(set: RuleSet) => void>();
  /** Changes happen one after the other, so that memory follows the store in the same order. */
  #lastChange: Promise<unknown> = Promise.resolve();

  private constructor(store: Store) {
    this.#store = store;
  }

  static async load(store: Store): Promise<RuleBook> {
    const book = new RuleBook(store);
    const marks = await store.list(authScope, { prefix: authKeys.ruleMarkPrefix });
    const records = await store.list(authScope, { prefix: authKeys.rulesPrefix });
    const byNamespace = Map.groupBy(records, ({ key }) => key.split("/")[1] ?? "");
    for (const { key, revision } of marks) {
      const namespace = key.slice(authKeys.ruleMarkPrefix.length);
      const rules = (byNamespace.get(namespace) ?? []).map(({ value }) => fromValue(value) as Rule);
      book.#sets.set(namespace, { namespace, rules, version: revision });
    }
    return book;
  }

  /** The rules that apply in a namespace now. */
  get(namespace: string): RuleSet {
    return this.#sets.get(namespace) ?? { namespace, rules: [defaultRule], version: 0 };
  }

  /** Every namespace whose rules were ever changed. */
  all(): readonly RuleSet[] {
    return [...this.#sets.values()];
  }

  /** @throws MicroError `invalid_argument` for a bad rule and for an id that is taken. */
  create(namespace: string, rule: Rule): Promise<void> {
    requireName("namespace", namespace);
    checkRule(rule);
    return this.#change(namespace, (rules) => {
      if (rules.some((each) => each.id === rule.id)) {
        throw new MicroError("invalid_argument", "A rule with this ID already exists");
      }
      if (rules.length >= limits.rulesPerNamespaceMax) {
        throw new MicroError("too_many_requests", `a namespace has at most ${limits.rulesPerNamespaceMax} rules`);
      }
      return [...rules, rule].sort((left, right) => (left.id < right.id ? -1 : 1));
    });
  }

  /** An unknown id is no failure. */
  delete(namespace: string, id: string): Promise<void> {
    requireName("namespace", namespace);
    return this.#change(namespace, (rules) => rules.filter((each) => each.id !== id));
  }

  /** Calls `listener` after each change, with all rules of the namespace. Returns what ends that. */
  onChange(listener: (set: RuleSet) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #change(namespace: string, toNext: (rules: readonly Rule[]) => readonly Rule[]): Promise<void> {
    const change = async (): Promise<void> => {
      const isMarked = this.#sets.has(namespace);
      const before = this.get(namespace).rules;
      const rules = toNext(before);
      if (rules.length === before.length) return;
      const changes = toChanges(namespace, { before: isMarked ? before : [], after: rules });
      const version = await this.#store.write(changes);
      const set: RuleSet = { namespace, rules, version };
      this.#sets.set(namespace, set);
      for (const listener of this.#listeners) listener(set);
    };
    const done = this.#lastChange.then(change);
    this.#lastChange = done.catch(() => undefined);
    return done;
  }
}

/** What takes the stored rules from `before` to `after`, with the mark, whose revision is the version of the set. */
function toChanges(namespace: string, step: { before: readonly Rule[]; after: readonly Rule[] }): StoreChange[] {
  const { before, after } = step;
  const scope = authScope;
  const added = after.filter((rule) => !before.includes(rule));
  const removed = before.filter((rule) => !after.includes(rule));
  return [
    { kind: "put", scope, key: authKeys.ruleMark(namespace), value: toValue(true) },
    ...added.map((rule): StoreChange => {
      return { kind: "put", scope, key: authKeys.rule(namespace, rule.id), value: toValue(rule) };
    }),
    ...removed.map((rule): StoreChange => ({ kind: "delete", scope, key: authKeys.rule(namespace, rule.id) })),
  ];
}
