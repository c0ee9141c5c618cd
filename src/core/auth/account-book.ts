import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { isName, requireName } from "#base/name.ts";
import type { Store, StoreChange, StoreRecord } from "#interface/store.ts";
import { toRecord, type AccountRecord, type NewAccount } from "./account-record.ts";
import { authKeys, authScope, fromValue, toValue } from "./auth-records.ts";
import type { SecretHasher } from "./secret-hasher.ts";
import { requireSecret } from "./secret.ts";
import type { TokenCutoffs } from "./token-cutoffs.ts";

export interface AccountBookDeps {
  readonly store: Store;
  readonly hasher: SecretHasher;
  readonly cutoffs: TokenCutoffs;
  readonly clock: Clock;
  /** Called after an account was deleted or got another secret: what it was given before counts no more. */
  readonly onEnd: (record: AccountRecord) => Promise<void>;
}

/** The accounts of all namespaces. */
export class AccountBook {
  readonly #deps: AccountBookDeps;

  constructor(deps: AccountBookDeps) {
    this.#deps = deps;
  }

  /**
   * @throws MicroError `invalid_argument` for bad values, and when the id or the name is taken in the namespace, be it as
   * id or as name: either logs in.
   */
  async create(account: NewAccount): Promise<AccountRecord> {
    // Everything is checked before the costly hash.
    const checked = this.#check(account);
    const secret = account.secret === undefined ? "" : await this.#deps.hasher.hash(requireSecret(account.secret));
    return this.#add({ ...checked, secret });
  }

  /** The same with a secret that was hashed by the hasher already. @throws MicroError as `create`. */
  async createHashed(account: Omit<NewAccount, "secret">, secret: string): Promise<AccountRecord> {
    return this.#add({ ...this.#check(account), secret });
  }

  #check(account: NewAccount): AccountRecord {
    const { clock, cutoffs } = this.#deps;
    const nowMs = clock.now();
    const generation = Math.max(nowMs, cutoffs.get(account.namespace, account.id));
    return toRecord(account, { nowMs, generation, secretHash: "" });
  }

  async #add(record: AccountRecord): Promise<AccountRecord> {
    try {
      await this.#deps.store.write(createChanges(record));
      return record;
    } catch (reason) {
      if (MicroError.from(reason).code !== "conflict") throw reason;
      const what = (await this.#read(record.issuer, record.id)) === undefined ? "Name" : "ID";
      throw new MicroError("invalid_argument", `Account with this ${what} already exists`);
    }
  }

  /** By id, then by name. */
  async find(namespace: string, idOrName: string): Promise<AccountRecord | undefined> {
    if (!isName("namespace", namespace) || !isName("account", idOrName)) return undefined;
    const byId = await this.#read(namespace, idOrName);
    if (byId !== undefined) return fromValue(byId.value) as AccountRecord;
    const named = await this.#deps.store.read(authScope, authKeys.accountByName(namespace, idOrName));
    if (named === undefined) return undefined;
    const found = await this.#read(namespace, fromValue(named.value) as string);
    return found === undefined ? undefined : (fromValue(found.value) as AccountRecord);
  }

  /** All accounts of a namespace, ordered by id. */
  async list(namespace: string): Promise<readonly AccountRecord[]> {
    requireName("namespace", namespace);
    const records = await this.#deps.store.list(authScope, { prefix: authKeys.accountPrefix(namespace) });
    return records.map(({ value }) => fromValue(value) as AccountRecord);
  }

  /** Removes the account of this id; false when there is none. Its tokens and logins end. */
  async delete(namespace: string, id: string): Promise<boolean> {
    return this.#end(namespace, id, (record, generation) => [
      removal(authKeys.account(namespace, record.id)),
      removal(authKeys.accountByName(namespace, record.name)),
      this.#deps.cutoffs.toChange(namespace, record.id, generation),
    ]);
  }

  /** Gives the account another secret; false when there is none. Its tokens and logins end. */
  async changeSecret(namespace: string, id: string, secret: string): Promise<boolean> {
    const hash = await this.#deps.hasher.hash(requireSecret(secret));
    return this.#end(namespace, id, (record, generation) => [
      addition(authKeys.account(namespace, record.id), withSecret(record, hash, generation)),
      this.#deps.cutoffs.toChange(namespace, record.id, generation),
    ]);
  }

  /** Ends every token and login of the account, and its launch credentials; false when there is none. */
  async revoke(namespace: string, id: string): Promise<boolean> {
    return this.#end(namespace, id, (record, generation) => [
      addition(authKeys.account(namespace, record.id), { ...record, generation }),
      this.#deps.cutoffs.toChange(namespace, record.id, generation),
    ]);
  }

  /** Changes an account so that what it was given before ends; tries again when somebody else changed it meanwhile. */
  async #end(
    namespace: string,
    id: string,
    toChanges: (record: AccountRecord, generation: number) => readonly [StoreChange, ...StoreChange[]],
  ): Promise<boolean> {
    for (;;) {
      const found = await this.#read(namespace, id);
      if (found === undefined) return false;
      const record = fromValue(found.value) as AccountRecord;
      const generation = Math.max(this.#deps.clock.now(), record.generation + 1);
      const [first, ...others] = toChanges(record, generation);
      const written = await this.#tryWrite([{ ...first, expectedRevision: found.revision }, ...others]);
      if (!written) continue;
      this.#deps.cutoffs.apply(namespace, id, generation);
      await this.#deps.onEnd(record);
      return true;
    }
  }

  async #tryWrite(changes: readonly StoreChange[]): Promise<boolean> {
    try {
      await this.#deps.store.write(changes);
      return true;
    } catch (reason) {
      if (MicroError.from(reason).code === "conflict") return false;
      throw reason;
    }
  }

  #read(namespace: string, id: string): Promise<StoreRecord | undefined> {
    return this.#deps.store.read(authScope, authKeys.account(namespace, id));
  }
}

/** The account and its name, both new. Neither may be the other one of somebody else. */
function createChanges(record: AccountRecord): StoreChange[] {
  const { issuer, id, name } = record;
  const isNew = { expectedRevision: 0 };
  const changes: StoreChange[] = [
    { ...addition(authKeys.account(issuer, id), record), ...isNew },
    { ...addition(authKeys.accountByName(issuer, name), id), ...isNew },
  ];
  if (name === id) return changes;
  changes.push({ ...removal(authKeys.account(issuer, name)), ...isNew });
  changes.push({ ...removal(authKeys.accountByName(issuer, id)), ...isNew });
  return changes;
}

function addition(key: string, content: unknown): StoreChange {
  return { kind: "put", scope: authScope, key, value: toValue(content) };
}

function removal(key: string): StoreChange {
  return { kind: "delete", scope: authScope, key };
}

/** Somebody chose the secret: that of the server is gone. */
function withSecret(record: AccountRecord, secret: string, generation: number): AccountRecord {
  const { hasGeneratedSecret: _generated, ...rest } = record;
  return { ...rest, secret, generation };
}
