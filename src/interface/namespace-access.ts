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
  if (mayReachNamespace(known, namespace)) return known;
  throw new MicroError("permission_denied", "access denied to namespace", { at });
}

/** True for the namespace of a user or service, and for every one where it administers the installation. */
export function mayReachNamespace(account: Account, namespace: string): boolean {
  if (namespace === "") return false;
  if (administersInstallation(account)) return true;
  return account.namespace === namespace && (account.type === "user" || account.type === "service");
}

/**
 * The namespace whose data a call is about that names none in its body: the one that the call acts in. Any account may name
 * the namespace of the core services there, as clients do to reach them; that means its own, and opens nothing of theirs.
 *
 * @throws MicroError `unauthenticated` without an account.
 */
export function requireOwnNamespace(account: Account | undefined, called: string, at: string): string {
  const known = requireAccount(account, at);
  return called === defaultNamespace || called === "" ? known.namespace : called;
}

/** An account that administers `namespace`. @throws MicroError `unauthenticated` or `permission_denied`. */
export function requireNamespaceAdmin(account: Account | undefined, namespace: string, at: string): Account {
  const known = requireNamespace(account, namespace, at);
  if (isAdministrator(known)) return known;
  // Says what the account is not, instead of what was tried: some of what administrators do only reads.
  const detail = `account ${known.id} is not an administrator of namespace ${namespace}`;
  throw new MicroError("permission_denied", detail, { at });
}

function administersInstallation(account: Account): boolean {
  return account.namespace === defaultNamespace && isAdministrator(account);
}

/** A user with scope `admin`, or a service with scope `service`. */
export function isAdministrator(account: Account): boolean {
  if (account.type === "user") return account.scopes.includes("admin");
  return account.type === "service" && account.scopes.includes("service");
}
