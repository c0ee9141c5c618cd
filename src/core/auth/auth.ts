import { systemClock, type Clock } from "#base/clock.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import type { Logger } from "#base/logger.ts";
import {
  defaultNamespace,
  type DataRules,
  type LaunchIdentities,
  type TokenPair,
  type TokenVerifier,
} from "#interface/auth.ts";
import { CachedAccessRules } from "#interface/cached-access-rules.ts";
import type { Store } from "#interface/store.ts";
import type { AuditSink } from "#interface/audit.ts";
import { AccountBook } from "./account-book.ts";
import { noteOfServer } from "./audit-call.ts";
import { AuditLog } from "./audit-log.ts";
import { FirstAdministrator, findAdministrator, hasGeneratedSecret } from "./administrator.ts";
import { CachedTokenVerifier } from "./cached-token-verifier.ts";
import { LaunchIdentityBook } from "./launch-identity-book.ts";
import { LoginDesk } from "./login-desk.ts";
import { LoginThrottle } from "./login-throttle.ts";
import { RefreshBook } from "./refresh-book.ts";
import { resetAccess, type AdministratorReset } from "./reset-access.ts";
import { RuleBook } from "./rule-book.ts";
import { SecretHasher } from "./secret-hasher.ts";
import type { SigningKeys } from "./signing-keys.ts";
import { TokenCodec } from "./token-codec.ts";
import { TokenCutoffs } from "./token-cutoffs.ts";

export interface AuthDeps {
  readonly store: Store;
  readonly keys: SigningKeys;
  readonly logger: Logger;
  /** @default systemClock */
  readonly clock?: Clock;
}

/** The one source of truth for who may do what. */
export interface Auth extends Stoppable {
  readonly verifier: TokenVerifier;
  readonly rules: DataRules;
  readonly identities: LaunchIdentities;
  /** Base64 of the PEM public key that verifies tokens. */
  readonly publicKey: string;
  /** Takes notes of refusals and changes. */
  readonly audit: AuditSink;
  /** What the handlers of the service `auth` are made of. */
  readonly parts: AuthParts;
  /**
   * Makes the administrator of the installation when it has no user yet: `admin`, or `administrator` where another account
   * has that id or name.
   *
   * @param secret that was chosen for it. @default one that is generated
   * @returns its id and secret, which is kept nowhere: whoever calls this shows it; undefined when there is a user already.
   */
  ensureAdministrator(secret?: string): Promise<{ readonly id: string; readonly secret: string } | undefined>;
  /** Begins what takes longest of it, the hash of the secret. Nothing is kept before `ensureAdministrator()`, with the same secret. */
  prepareAdministrator(secret?: string): Promise<void>;
  /** Whether nobody has chosen a secret for the administrator yet. */
  hasGeneratedSecret(): Promise<boolean>;
  /** The id of the account that `ensureAdministrator()` made, at this start or an earlier one; undefined when it is gone. */
  findAdministrator(): Promise<string | undefined>;
  /** Gives the administrator a new secret and opens the service `auth` to him: for whoever may write the files of this server. */
  resetAdministrator(): Promise<AdministratorReset>;
  /**
   * Logs an account of the installation in without its secret, for somebody who may read the files of this server.
   *
   * @param lifetimeMs of the access token. @default 15 minutes
   * @throws MicroError `not_found` when there is no such account.
   */
  issueLocalToken(accountId: string, lifetimeMs?: number): Promise<TokenPair>;
  /** Ends the streams of those who watch rules: a stopping server would else wait for them in vain. */
  endStreams(): void;
}

export interface AuthParts {
  readonly accounts: AccountBook;
  readonly desk: LoginDesk;
  readonly refresh: RefreshBook;
  readonly ruleBook: RuleBook;
  readonly cutoffs: TokenCutoffs;
  readonly verifier: TokenVerifier;
  readonly rules: DataRules;
  readonly audit: AuditLog;
  /** Aborts when the server is about to stop. */
  readonly ending: AbortSignal;
}

/** Opens auth over a store: reads the rules and what has ended, so that every later decision is made from memory. */
export async function createAuth(deps: AuthDeps): Promise<Auth> {
  const { store, keys, clock = systemClock } = deps;
  const logger = deps.logger.with({ at: "auth" });
  const [cutoffs, ruleBook] = await Promise.all([TokenCutoffs.load({ store, clock }), RuleBook.load(store)]);
  const hasher = new SecretHasher();
  const audit = new AuditLog({ store, clock, logger });
  const refresh = new RefreshBook({ store, clock, logger, audit });
  const onEnd = ({ issuer, id }: { issuer: string; id: string }): Promise<void> => refresh.revokeAll(issuer, id);
  const accounts = new AccountBook({ store, hasher, cutoffs, clock, onEnd });
  const codec = new TokenCodec({ keys, clock, logger });
  const verifier = new CachedTokenVerifier({ codec, cutoffs, clock });
  const rules = new CachedAccessRules({
    rulesOf: (namespace) => ruleBook.get(namespace).rules,
    hasEnded: (account) => verifier.hasEnded(account),
    onChange: (listener) => {
      // The verifier, which was there first, has heard of ended tokens before any listener does.
      const unsubscribe = [ruleBook.onChange(listener), cutoffs.onChange(listener)];
      return () => unsubscribe.forEach((each) => each());
    },
  });
  const ending = new AbortController();
  let first: FirstAdministrator | undefined;
  const throttle = new LoginThrottle(clock);
  const desk = new LoginDesk({ accounts, refresh, codec, hasher, throttle, clock });
  return {
    verifier,
    rules,
    identities: new LaunchIdentityBook({ accounts, codec, clock, audit }),
    publicKey: keys.publicKeyText,
    audit,
    parts: { accounts, desk, refresh, ruleBook, cutoffs, verifier, rules, audit, ending: ending.signal },
    hasGeneratedSecret: () => hasGeneratedSecret(accounts),
    prepareAdministrator: async (secret) => {
      first = await FirstAdministrator.prepare({ accounts, hasher }, secret);
    },
    ensureAdministrator: async (secret) => {
      const administrator = first ?? (await FirstAdministrator.prepare({ accounts, hasher }, secret));
      first = undefined;
      if (administrator === undefined) return undefined;
      const made = await administrator.make();
      const note = { namespace: defaultNamespace, action: "account created", subject: made.id, detail: "scopes admin" };
      await audit.change(noteOfServer(note));
      return made;
    },
    findAdministrator: () => findAdministrator(accounts),
    resetAdministrator: () => resetAccess({ accounts, ruleBook, rules, audit }),
    issueLocalToken: (id, lifetimeMs = 0) => desk.locally({ namespace: defaultNamespace, id, lifetimeMs }),
    endStreams: () => ending.abort(),
    stop: () => {
      ending.abort();
      rules.stop();
      verifier.stop();
      return audit.stop();
    },
  };
}
