import { defaultNamespace } from "#interface/auth.ts";
import type { AccountBook } from "./account-book.ts";
import { createSecret } from "./secret.ts";

/** Ids that the administrator is made with: the first that is free. */
const idPattern = /^(admin|administrator(-\d+)?)$/;

/** Makes the first administrator of the installation; undefined when it has a user already. */
export async function ensureAdministrator(
  accounts: AccountBook,
): Promise<{ readonly id: string; readonly secret: string } | undefined> {
  const known = await accounts.list(defaultNamespace);
  if (known.some((account) => account.type === "user")) return undefined;
  const secret = createSecret();
  return { id: await createAdministrator(accounts, secret), secret };
}

/** Makes an administrator of the installation with the first id that is free, which is returned. */
export async function createAdministrator(accounts: AccountBook, secret: string): Promise<string> {
  const known = await accounts.list(defaultNamespace);
  const id = chooseId(new Set(known.flatMap((account) => [account.id, account.name])));
  await accounts.create({ namespace: defaultNamespace, id, scopes: ["admin"], secret });
  return id;
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
