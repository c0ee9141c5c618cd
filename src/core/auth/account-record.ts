import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Metadata } from "#base/metadata.ts";
import { requireName } from "#base/name.ts";
import type { Account } from "#interface/auth.ts";

/** An account as it is kept. */
export interface AccountRecord {
  readonly id: string;
  readonly type: string;
  /** Its namespace. */
  readonly issuer: string;
  readonly metadata: Metadata;
  readonly scopes: readonly string[];
  /** Hash of the secret; empty for an account that cannot log in with one. */
  readonly secret: string;
  readonly name: string;
  /**
   * Grows when the secret changes and when an account of the same id is made again. Tokens carry it, so that those from
   * before can be told apart.
   */
  readonly generation: number;
  /** Set on accounts that were made for a service that the runtime starts. */
  readonly launch?: { readonly service: string; readonly version: string };
  /** The secret was made and shown by the server, and is still the same. */
  readonly hasGeneratedSecret?: true;
}

/** What a new account is to be; everything but the id has a default. */
export interface NewAccount {
  readonly namespace: string;
  readonly id: string;
  /** @default the id */
  readonly name?: string;
  /** @default "user" */
  readonly type?: string;
  readonly scopes?: readonly string[];
  readonly metadata?: Metadata;
  /** In clear text. @default none: no login by secret */
  readonly secret?: string;
  /** @default false: somebody chose it */
  readonly hasGeneratedSecret?: boolean;
  readonly launch?: { readonly service: string; readonly version: string };
}

/** Set by the server alone: the registry believes it. */
const instanceKey = "instance";

/** What the rest of the system may know of an account. */
export function toAccount(record: AccountRecord): Account {
  const { id, type, issuer: namespace, name, scopes, metadata } = record;
  return { id, type, namespace, name, scopes, metadata };
}

/** The account as one instance of a service. */
export function withInstance(account: Account, instance: string | undefined): Account {
  if (instance === undefined) return account;
  return { ...account, metadata: { ...account.metadata, [instanceKey]: instance } };
}

/** Checks a new account and fills in its defaults. @throws MicroError `invalid_argument` that names what is wrong. */
export function toRecord(
  account: NewAccount,
  made: { nowMs: number; generation: number; secretHash: string },
): AccountRecord {
  if (account.id === "") throw new MicroError("invalid_argument", "ID required");
  const created = String(Math.floor(made.nowMs / 1_000));
  if (account.metadata !== undefined && instanceKey in account.metadata) {
    throw new MicroError("invalid_argument", `metadata key ${instanceKey} is set by the server alone`);
  }
  const record: AccountRecord = {
    id: requireName("account", account.id),
    type: requireWord("type", account.type ?? "user"),
    issuer: requireName("namespace", account.namespace),
    metadata: { ...account.metadata, created },
    scopes: (account.scopes ?? []).map((scope) => requireWord("scope", scope)),
    secret: made.secretHash,
    name: requireName("account", account.name ?? account.id),
    generation: made.generation,
    ...(account.launch === undefined ? {} : { launch: account.launch }),
    ...(account.hasGeneratedSecret === true ? { hasGeneratedSecret: true } : {}),
  };
  if (Buffer.byteLength(JSON.stringify([record.scopes, record.metadata])) > limits.accountClaimsBytesMax) {
    throw new MicroError("invalid_argument", `scopes and metadata take at most ${limits.accountClaimsBytesMax} bytes`);
  }
  return record;
}

function requireWord(what: string, word: string): string {
  if (/^[\w.:@/-]{1,128}$/.test(word)) return word;
  throw new MicroError(
    "invalid_argument",
    `"${word.slice(0, 40)}" is not a ${what}: use letters, digits, ".", ":", "-"`,
  );
}
