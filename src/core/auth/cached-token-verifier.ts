import type { Clock } from "#base/clock.ts";
import { limits } from "#base/limits.ts";
import type { Account, TokenVerifier } from "#interface/auth.ts";
import type { ReadToken, TokenReader } from "./token-reader.ts";
import type { TokenCutoffs } from "./token-cutoffs.ts";

export interface CachedTokenVerifierDeps {
  readonly codec: Pick<TokenReader, "read">;
  readonly cutoffs: Pick<TokenCutoffs, "get" | "onChange">;
  readonly clock: Clock;
}

/** Verifies a signature once; after that a token is a look-up, until it expires or its account ends. */
export class CachedTokenVerifier implements TokenVerifier {
  readonly #deps: CachedTokenVerifierDeps;
  readonly #known = new Map<string, ReadToken>();
  readonly #ended = new WeakSet<Account>();
  readonly #unsubscribe: () => void;

  constructor(deps: CachedTokenVerifierDeps) {
    this.#deps = deps;
    this.#unsubscribe = deps.cutoffs.onChange(() => this.#forgetEnded());
  }

  /** True for an account that `verify` gave for a token which was revoked since. */
  hasEnded(account: Account): boolean {
    return this.#ended.has(account);
  }

  stop(): void {
    this.#unsubscribe();
  }

  verify(token: string): Account | undefined | Promise<Account | undefined> {
    const known = this.#known.get(token);
    if (known === undefined) return this.#read(token);
    if (this.#holds(known)) return known.account;
    this.#known.delete(token);
    return undefined;
  }

  async #read(token: string): Promise<Account | undefined> {
    const read = await this.#deps.codec.read("access", token);
    if (read === undefined || !this.#holds(read)) return undefined;
    this.#remember(token, read);
    return read.account;
  }

  #holds({ account, generation, expiresAtMs }: ReadToken): boolean {
    const { clock, cutoffs } = this.#deps;
    return expiresAtMs > clock.now() && generation >= cutoffs.get(account.namespace, account.id);
  }

  /** Streams that were begun with such a token hold its account. */
  #forgetEnded(): void {
    const { cutoffs } = this.#deps;
    for (const [token, { account, generation }] of this.#known) {
      if (generation >= cutoffs.get(account.namespace, account.id)) continue;
      this.#known.delete(token);
      this.#ended.add(account);
    }
  }

  #remember(token: string, read: ReadToken): void {
    if (this.#known.size >= limits.tokenCacheCountMax) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(token, read);
  }
}
