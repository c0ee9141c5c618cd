import type { Clock } from "#base/clock.ts";
import { limits } from "#base/limits.ts";
import type { Store, StoreChange } from "#interface/store.ts";
import { authKeys, authScope, fromValue, toValue } from "./auth-records.ts";

/** Tokens of an account from before a generation, which have ended. */
export interface EndedTokens {
  readonly namespace: string;
  readonly id: string;
  readonly generation: number;
}

/**
 * Which tokens of an account came before its deletion or its last change of secret. Kept in memory, because every request
 * asks, and in the store as long as such a token could live.
 */
export class TokenCutoffs {
  readonly #clock: Clock;
  /** First generation that counts, by `namespace/id`. */
  readonly #generations = new Map<string, number>();
  readonly #listeners = new Set<(ended: EndedTokens) => void>();

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  static async load(deps: { store: Store; clock: Clock }): Promise<TokenCutoffs> {
    const cutoffs = new TokenCutoffs(deps.clock);
    for (const { key, value } of await deps.store.list(authScope, { prefix: authKeys.cutoffPrefix })) {
      cutoffs.#generations.set(key.slice(authKeys.cutoffPrefix.length), fromValue(value) as number);
    }
    return cutoffs;
  }

  /** The first generation that counts; 0 when all do. */
  get(namespace: string, id: string): number {
    // Every request asks, and most installations have none.
    return this.#generations.size === 0 ? 0 : (this.#generations.get(`${namespace}/${id}`) ?? 0);
  }

  /** The change that keeps a cutoff; to be written with the change that causes it, then told to {@link apply}. */
  toChange(namespace: string, id: string, generation: number): StoreChange {
    const expiresAtMs = this.#clock.now() + limits.launchCredentialMs;
    return {
      kind: "put",
      scope: authScope,
      key: authKeys.cutoff(namespace, id),
      value: toValue(generation),
      expiresAtMs,
    };
  }

  apply(namespace: string, id: string, generation: number): void {
    this.#generations.set(`${namespace}/${id}`, generation);
    for (const listener of this.#listeners) listener({ namespace, id, generation });
  }

  /** All there are. */
  all(): readonly EndedTokens[] {
    return [...this.#generations].map(([key, generation]) => {
      const slash = key.indexOf("/");
      return { namespace: key.slice(0, slash), id: key.slice(slash + 1), generation };
    });
  }

  /** All of a namespace. */
  of(namespace: string): readonly EndedTokens[] {
    const prefix = `${namespace}/`;
    const own = [...this.#generations].filter(([key]) => key.startsWith(prefix));
    return own.map(([key, generation]) => ({ namespace, id: key.slice(prefix.length), generation }));
  }

  /** Calls `listener` after each new one. Returns what ends that. */
  onChange(listener: (ended: EndedTokens) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
