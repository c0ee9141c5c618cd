import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { isName } from "#base/name.ts";
import type { TokenPair } from "#interface/auth.ts";
import type { AccountBook } from "./account-book.ts";
import { toAccount, withInstance, type AccountRecord } from "./account-record.ts";
import type { LoginThrottle } from "./login-throttle.ts";
import type { RefreshBook } from "./refresh-book.ts";
import type { SecretHasher } from "./secret-hasher.ts";
import type { TokenCodec } from "./token-codec.ts";

export interface LoginDeskDeps {
  readonly accounts: AccountBook;
  readonly refresh: RefreshBook;
  readonly codec: TokenCodec;
  readonly hasher: SecretHasher;
  readonly throttle: LoginThrottle;
  readonly clock: Clock;
}

/** Wished life of an access token in milliseconds; 0: the caller has no wish. */
type Lifetime = number;

/** A login as somebody types it. */
export interface SecretLogin {
  readonly namespace: string;
  /** Id or name. */
  readonly id: string;
  readonly secret: string;
  /** Of the caller, without the port: wrong secrets are counted by it. */
  readonly address: string;
  readonly lifetimeMs: Lifetime;
}

/** Exchanges what somebody knows for tokens. */
export class LoginDesk {
  readonly #deps: LoginDeskDeps;

  constructor(deps: LoginDeskDeps) {
    this.#deps = deps;
  }

  /**
   * With the secret of an account, or with the launch credential of a service.
   *
   * @throws MicroError `invalid_argument` for wrong ones, the same whether the account exists or not;
   * `too_many_requests` after too many of them.
   */
  async withSecret(login: SecretLogin): Promise<TokenPair> {
    const { namespace, id, secret, address, lifetimeMs } = login;
    const record = await this.#deps.accounts.find(namespace, id);
    if (record?.launch !== undefined) {
      const launched = await this.#readLaunch(record, secret);
      if (launched !== undefined) return this.#grant(record, { lifetimeMs, instance: launched.instance });
    }
    await this.requireSecret({ namespace, id, record, secret, address });
    return this.#grant(record as AccountRecord, { lifetimeMs });
  }

  /** @throws MicroError `invalid_argument` for a token that does not hold. */
  async withRefreshToken(login: { namespace: string; token: string; lifetimeMs: Lifetime }): Promise<TokenPair> {
    const { namespace, token, lifetimeMs } = login;
    const rotated = await this.#deps.refresh.rotate(namespace, token);
    const record = rotated && (await this.#deps.accounts.find(namespace, rotated.grant.accountId));
    if (record === undefined || record.generation !== rotated?.grant.generation) {
      throw new MicroError("invalid_argument", "invalid token provided");
    }
    return this.#sign(record, { lifetimeMs, instance: rotated.grant.instance, refreshToken: rotated.token });
  }

  /** Without a secret: for the server itself, on behalf of whoever may read its files. @throws MicroError `not_found`. */
  async locally(login: { namespace: string; id: string; lifetimeMs: Lifetime }): Promise<TokenPair> {
    const record = await this.#deps.accounts.find(login.namespace, login.id);
    if (record === undefined) {
      throw new MicroError("not_found", `there is no account ${login.id} in namespace ${login.namespace}`);
    }
    return this.#grant(record, { lifetimeMs: login.lifetimeMs });
  }

  /** @throws MicroError `invalid_argument` unless `secret` is that of `record`, `too_many_requests` as above. */
  async requireSecret(proof: {
    namespace: string;
    /** As the caller wrote it: counts the failures for accounts that do not exist. */
    id: string;
    record: AccountRecord | undefined;
    secret: string;
    /** Of the caller, without the port. */
    address: string;
  }): Promise<void> {
    const { throttle, hasher } = this.#deps;
    const { namespace, id, record, secret, address } = proof;
    const source = { account: nameForThrottle(namespace, record?.id ?? id), address };
    throttle.check(source);
    const hash = record?.secret === "" ? undefined : record?.secret;
    const isUsable = secret !== "" && Buffer.byteLength(secret) <= limits.secretBytesMax;
    const isRight = await hasher.verify(isUsable ? secret : "-", isUsable ? hash : undefined, {
      // Asked again, and told before the next one: many guesses sent at once must not slip through together.
      begin: () => throttle.check(source),
      end: (isRight) => (isRight ? throttle.succeed(source) : throttle.fail(source)),
    });
    if (isRight) return;
    throw new MicroError("invalid_argument", "Secret not correct, or no account with this ID");
  }

  async #readLaunch(record: AccountRecord, secret: string): Promise<{ instance: string | undefined } | undefined> {
    // Anything else is a secret, and would only fill the log.
    if (secret.split(".").length !== 3) return undefined;
    const read = await this.#deps.codec.read("launch", secret);
    if (read === undefined || read.generation !== record.generation) return undefined;
    if (read.account.id !== record.id || read.account.namespace !== record.issuer) return undefined;
    return { instance: read.account.metadata["instance"] };
  }

  async #grant(
    record: AccountRecord,
    options: { lifetimeMs: Lifetime; instance?: string | undefined },
  ): Promise<TokenPair> {
    const { issuer: namespace, id: accountId, generation } = record;
    const instance = options.instance === undefined ? {} : { instance: options.instance };
    const refreshToken = await this.#deps.refresh.create({ namespace, accountId, generation, ...instance });
    return this.#sign(record, { lifetimeMs: options.lifetimeMs, instance: options.instance, refreshToken });
  }

  async #sign(
    record: AccountRecord,
    options: { lifetimeMs: Lifetime; instance: string | undefined; refreshToken: string },
  ): Promise<TokenPair> {
    const nowMs = this.#deps.clock.now();
    const created = Math.floor(nowMs / 1_000);
    const expiry = created + Math.ceil(accessLifetimeMs(record.type, options.lifetimeMs) / 1_000);
    const account = withInstance(toAccount(record), options.instance);
    const token = { account, generation: record.generation, expiresAtMs: expiry * 1_000 };
    const accessToken = await this.#deps.codec.sign("access", token);
    return { accessToken, refreshToken: options.refreshToken, created, expiry };
  }
}

/** What no account can be called is counted as one, so that nothing of any length is kept. */
function nameForThrottle(namespace: string, id: string): string {
  return isName("namespace", namespace) && isName("account", id) ? `${namespace}/${id}` : "";
}

/** Life of an access token: what was asked for within bounds. Services get long ones, because Go's never refresh. */
export function accessLifetimeMs(type: string, askedMs: number): number {
  if (type === "service") return Math.min(Math.max(askedMs, limits.serviceTokenMs), limits.launchCredentialMs);
  return Math.min(askedMs === 0 ? limits.accessTokenMs : askedMs, limits.accessTokenMaxMs);
}
