import { Accounts, Audit as AuditService, Auth as AuthService, Rules } from "#gen/auth/auth_pb.ts";
import type { ServiceTable } from "#rpc/method.ts";
import { protoMethods } from "#rpc/proto-service.ts";
import { createServiceTable } from "#rpc/service-table.ts";
import { accountHandlers } from "./account-handlers.ts";
import { auditHandlers } from "./audit-handlers.ts";
import type { Auth } from "./auth.ts";
import { ruleHandlers } from "./rule-handlers.ts";
import { tokenHandlers } from "./token-handlers.ts";

/**
 * The service `auth`: tokens, accounts and rules, with the checks of who may call what.
 *
 * @param isCore true for a core service, for which the rules of the installation count. @default none is
 */
export function createAuthTable(
  auth: Auth,
  version: string,
  isCore: (service: string) => boolean = () => false,
): ServiceTable {
  const methods = [
    ...protoMethods(AuthService, tokenHandlers({ ...auth.parts, isCore })),
    ...protoMethods(Accounts, accountHandlers(auth.parts)),
    ...protoMethods(AuditService, auditHandlers(auth.parts.audit)),
    ...protoMethods(Rules, ruleHandlers(auth.parts)),
  ];
  return createServiceTable({ name: "auth", version, methods });
}
