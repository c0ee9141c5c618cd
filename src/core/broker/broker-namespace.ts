import { defaultNamespace } from "#interface/auth.ts";
import { isAdministrator, requireAccount, requireNamespace } from "#interface/namespace-access.ts";
import type { ServerCall } from "#rpc/server-call.ts";

/**
 * The namespace whose topics a call is about: its account's, or for an administrator of the installation the one that the
 * call names. Any account may name the namespace of the core services, as clients do to reach them; that opens no topics.
 *
 * @throws MicroError `unauthenticated` without an account, `permission_denied` for one that acts in no namespace.
 */
export function requireBrokerNamespace(call: ServerCall): string {
  const account = requireAccount(call.account, call.endpoint);
  const mayName = account.namespace === defaultNamespace && isAdministrator(account);
  const namespace = mayName ? call.namespace : account.namespace;
  requireNamespace(account, namespace, call.endpoint);
  return namespace;
}
