import { defaultNamespace } from "#interface/auth.ts";
import type { AccountBook } from "./account-book.ts";
import type { SecretHasher } from "./secret-hasher.ts";
import { createSecret, requireSecret } from "./secret.ts";

/** Ids that the administrator is made with: the first that is free. */
const idPattern = /^(admin|administrator(-\d+)?)$/;

export interface FirstAdministratorDeps {
  readonly accounts: AccountBook;
  readonly hasher: SecretHasher;
}

/** The administrator of an installation that has no user yet. Its secret is hashed before it is made, beside other work. */
export class FirstAdministrator {
  readonly #accounts: AccountBook;
  readonly #hash: Promise<string>;
  readonly #isGenerated: boolean;
  readonly #secret: string;

  private constructor({ accounts, hasher }: FirstAdministratorDeps, chosen: string | undefined) {
    this.#accounts = accounts;
    this.#isGenerated = chosen === undefined;
    this.#secret = requireSecret(chosen ?? createSecret());
    this.#hash = hasher.hash(this.#secret);
    // Who makes it learns what fails.
    this.#hash.catch(() => undefined);
  }

  /** @param chosen secret. @default one that is generated @returns undefined when there is a user already. */
  static async prepare(deps: FirstAdministratorDeps, chosen?: string): Promise<FirstAdministrator | undefined> {
    const known = await deps.accounts.list(defaultNamespace);
    return known.some((account) => account.type === "user") ? undefined : new FirstAdministrator(deps, chosen);
  }

  async make(): Promise<{ readonly id: string; readonly secret: string }> {
    const id = await chooseFreeId(this.#accounts);
    const account = { namespace: defaultNamespace, id, scopes: ["admin"], hasGeneratedSecret: this.#isGenerated };
    await this.#accounts.createHashed(account, await this.#hash);
    return { id, secret: this.#secret };
  }
}

/** Makes an administrator of the installation with the first id that is free, which is returned. */
export async function createAdministrator(
  accounts: AccountBook,
  secret: string,
  hasGeneratedSecret: boolean,
): Promise<string> {
  const id = await chooseFreeId(accounts);
  await accounts.create({ namespace: defaultNamespace, id, scopes: ["admin"], secret, hasGeneratedSecret });
  return id;
}

/** Whether nobody has chosen a secret for the administrator yet: there is none, or it has the generated one. */
export async function hasGeneratedSecret(accounts: AccountBook): Promise<boolean> {
  const known = (await accounts.list(defaultNamespace)).filter(({ type }) => type === "user");
  return known.length === 0 || known.some((account) => account.hasGeneratedSecret === true);
}

/** The account that was made so, at this start or an earlier one; undefined when it is gone. */
export async function findAdministrator(accounts: AccountBook): Promise<string | undefined> {
  const known = await accounts.list(defaultNamespace);
  return known.find(({ id, type, scopes }) => type === "user" && scopes.includes("admin") && idPattern.test(id))?.id;
}

async function chooseFreeId(accounts: AccountBook): Promise<string> {
  const known = await accounts.list(defaultNamespace);
  return chooseId(new Set(known.flatMap((account) => [account.id, account.name])));
}

/** Another account, of a service for one, may have had the name before there was any user. */
function chooseId(taken: ReadonlySet<string>): string {
  if (!taken.has("admin")) return "admin";
  if (!taken.has("administrator")) return "administrator";
  for (let number = 2; ; number += 1) {
    if (!taken.has(`administrator-${number}`)) return `administrator-${number}`;
  }
}
