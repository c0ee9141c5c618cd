import { MicroError } from "#base/error.ts";
import { defaultNamespace, type Account } from "./auth.ts";

/**
 * Who may touch a namespace, as every core service asks it. Default-deny: without an account nothing passes.
 */

/** The account itself. @throws MicroError `unauthenticated` when there is none. */
export function requireAccount(account: Account | undefined, at: string): Account {
  if (account !== undefined) return account;
  throw new MicroError("unauthenticated", "an account is required", { at });
}

/** An account that may read in `namespace`. @throws MicroError `unauthenticated` or `permission_denied`. */
export function requireNamespace(account: Account | undefined, namespace: string, at: string): Account {
  const known = requireAccount(account, at);
  if (namespace === "") throw new MicroError("invalid_argument", "namespace is missing", { at });
  if (isAdministrator(known) && known.namespace === defaultNamespace) return known;
  if (known.namespace === namespace && (known.type === "user" || known.type === "service")) return known;
  throw new MicroError("permission_denied", "access denied to namespace", { at });
}

/** An account that administers `namespace`. @throws MicroError `unauthenticated` or `permission_denied`. */
export function requireNamespaceAdmin(account: Account | undefined, namespace: string, at: string): Account {
  const known = requireNamespace(account, namespace, at);
  if (isAdministrator(known)) return known;
  // Says what the account is not, instead of what was tried: some of what administrators do only reads.
  const detail = `account ${known.id} is not an administrator of namespace ${namespace}`;
  throw new MicroError("permission_denied", detail, { at });
}

/** A user with scope `admin`, or a service with scope `service`. */
export function isAdministrator(account: Account): boolean {
  if (account.type === "user") return account.scopes.includes("admin");
  return account.type === "service" && account.scopes.includes("service");
}
