import { defaultNamespace } from "#interface/auth.ts";
import type { AccountBook } from "./account-book.ts";
import { createSecret } from "./secret.ts";

/** Ids that the administrator is made with: the first that is free. */
const idPattern = /^(admin|administrator(-\d+)?)$/;

/**
 * Makes the first administrator of the installation; undefined when it has a user already.
 *
 * @param chosen secret. @default one that is generated
 */
export async function ensureAdministrator(
  accounts: AccountBook,
  chosen?: string,
): Promise<{ readonly id: string; readonly secret: string } | undefined> {
  const known = await accounts.list(defaultNamespace);
  if (known.some((account) => account.type === "user")) return undefined;
  const secret = chosen ?? createSecret();
  return { id: await createAdministrator(accounts, secret, chosen === undefined), secret };
}

/** Makes an administrator of the installation with the first id that is free, which is returned. */
export async function createAdministrator(
  accounts: AccountBook,
  secret: string,
  hasGeneratedSecret: boolean,
): Promise<string> {
  const known = await accounts.list(defaultNamespace);
  const id = chooseId(new Set(known.flatMap((account) => [account.id, account.name])));
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

/** Another account, of a service for one, may have had the name before there was any user. */
function chooseId(taken: ReadonlySet<string>): string {
  if (!taken.has("admin")) return "admin";
  if (!taken.has("administrator")) return "administrator";
  for (let number = 2; ; number += 1) {
    if (!taken.has(`administrator-${number}`)) return `administrator-${number}`;
  }
}
