import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import { isName } from "#base/name.ts";
import type { AuditSink } from "#interface/audit.ts";
import type { Store, StoreRecord } from "#interface/store.ts";
import { noteOfServer } from "./audit-call.ts";
import { authKeys, authScope, fromValue, toValue } from "./auth-records.ts";
import {
  createFamily,
  createRefreshSecret,
  createSalt,
  formatRefreshToken,
  hashRefreshSecret,
  isSameHash,
  nextRefreshSecret,
  parseRefreshToken,
  type RefreshToken,
} from "./refresh-token.ts";

/** A login: which account, in which generation, and what its tokens carry. */
export interface RefreshGrant {
  readonly namespace: string;
  readonly accountId: string;
  readonly generation: number;
  /** The instance of a service, for logins with a launch credential. */
  readonly instance?: string;
}

interface FamilyRecord extends RefreshGrant {
  /** Hash of the one secret that holds. */
  readonly hash: string;
  /** Those just before it, oldest first, with the salt that led on from each. */
  readonly rotated: readonly { readonly hash: string; readonly salt: string; readonly atMs: number }[];
}

/** Rotations within the grace time that are remembered; more in so short a time is no two commands at once. */
const rotatedCountMax = 16;
const deleteCountMax = limits.storeBatchCountMax;

export interface RefreshBookDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly audit: AuditSink;
}

/** The refresh tokens. Each is good for one use; a use after that shows that it was copied, and ends its whole family. */
export class RefreshBook {
  readonly #deps: RefreshBookDeps;

  constructor(deps: RefreshBookDeps) {
    this.#deps = deps;
  }

  /** The first refresh token of a login. */
  async create(grant: RefreshGrant): Promise<string> {
    const token = { accountId: grant.accountId, family: createFamily(), secret: createRefreshSecret() };
    const record: FamilyRecord = { ...grant, hash: hashRefreshSecret(token.secret), rotated: [] };
    await this.#write(token, record, 0);
    return formatRefreshToken(token);
  }

  /** The next refresh token and the login that it belongs to; undefined when `text` is not a token that holds. */
  async rotate(namespace: string, text: string): Promise<{ token: string; grant: RefreshGrant } | undefined> {
    const token = parseRefreshToken(text);
    if (token === undefined || !isName("namespace", namespace)) return undefined;
    for (;;) {
      const stored = await this.#read(namespace, token);
      if (stored === undefined) return undefined;
      const grant = fromValue(stored.value) as FamilyRecord;
      const secret = await this.#nextSecret(token, grant, stored);
      if (secret === "raced") continue;
      return secret === undefined ? undefined : { token: formatRefreshToken({ ...token, secret }), grant };
    }
  }

  /**
   * Ends the login that a token belongs to, whether the token still holds or not.
   *
   * @returns whose login it was; undefined when there was none.
   */
  async revoke(namespace: string, text: string): Promise<string | undefined> {
    const token = parseRefreshToken(text);
    if (token === undefined || !isName("namespace", namespace)) return undefined;
    const stored = await this.#read(namespace, token);
    if (stored === undefined) return undefined;
    await this.#delete([stored.key]);
    return token.accountId;
  }

  /** Ends all logins of an account. */
  async revokeAll(namespace: string, accountId: string): Promise<void> {
    const keys = await this.#deps.store.keys(authScope, { prefix: authKeys.refreshPrefix(namespace, accountId) });
    for (let index = 0; index < keys.length; index += deleteCountMax) {
      await this.#delete(keys.slice(index, index + deleteCountMax));
    }
  }

  async #nextSecret(token: RefreshToken, record: FamilyRecord, stored: StoreRecord): Promise<string | undefined> {
    const hash = hashRefreshSecret(token.secret);
    const nowMs = this.#deps.clock.now();
    const recent = record.rotated.filter(({ atMs }) => nowMs - atMs < limits.refreshGraceMs);
    if (isSameHash(hash, record.hash)) {
      const salt = createSalt();
      const secret = nextRefreshSecret(token.secret, salt);
      const rotated = [...recent, { hash, salt, atMs: nowMs }].slice(-rotatedCountMax);
      const next = { ...record, hash: hashRefreshSecret(secret), rotated };
      return (await this.#write(token, next, stored.revision)) ? secret : "raced";
    }
    const place = recent.findIndex((each) => isSameHash(hash, each.hash));
    if (place !== -1) {
      return recent.slice(place).reduce((secret, { salt }) => nextRefreshSecret(secret, salt), token.secret);
    }
    await this.#delete([stored.key]);
    this.#deps.logger.warn("a refresh token was used twice: its login is ended, the account should log in again", {
      account: record.accountId,
      namespace: record.namespace,
    });
    const { namespace, accountId: subject } = record;
    const detail = "a refresh token was used twice, so that somebody has a copy";
    this.#deps.audit.note(noteOfServer({ namespace, action: "login ended", subject, detail }));
    return undefined;
  }

  #read(namespace: string, token: RefreshToken): Promise<StoreRecord | undefined> {
    return this.#deps.store.read(authScope, authKeys.refresh(namespace, token.accountId, token.family));
  }

  /** False when somebody else changed the family first. */
  async #write(token: RefreshToken, record: FamilyRecord, expectedRevision: number): Promise<boolean> {
    const key = authKeys.refresh(record.namespace, token.accountId, token.family);
    const expiresAtMs = this.#deps.clock.now() + limits.refreshTokenMs;
    try {
      const change = { kind: "put", scope: authScope, key, value: toValue(record), expiresAtMs } as const;
      await this.#deps.store.write([{ ...change, expectedRevision }]);
      return true;
    } catch (reason) {
      if (MicroError.from(reason).code === "conflict") return false;
      throw reason;
    }
  }

  async #delete(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await this.#deps.store.write(keys.map((key) => ({ kind: "delete", scope: authScope, key })));
  }
}
