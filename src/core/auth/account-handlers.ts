import { MicroError } from "#base/error.ts";
import type { Accounts as AccountsService } from "#gen/auth/auth_pb.ts";
import type { AuditSink } from "#interface/audit.ts";
import { defaultNamespace, type Account } from "#interface/auth.ts";
import { isAdministrator, requireNamespace, requireNamespaceAdmin } from "#interface/namespace-access.ts";
import { peerHost } from "#rpc/peer-address.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";
import type { AccountBook } from "./account-book.ts";
import { toAccount } from "./account-record.ts";
import { noteOf } from "./audit-call.ts";
import { toNamespace, toWireAccount } from "./auth-wire.ts";
import type { LoginDesk } from "./login-desk.ts";

export interface AccountHandlersDeps {
  readonly accounts: AccountBook;
  readonly desk: LoginDesk;
  readonly audit: AuditSink;
}

/** `auth.Accounts` as callers reach it. */
export function accountHandlers({ accounts, desk, audit }: AccountHandlersDeps): ProtoHandlers<typeof AccountsService> {
  return {
    list: async ({ options }, call) => {
      const namespace = toNamespace(options, call);
      requireNamespaceAdmin(call.account, namespace, "auth.Accounts.List");
      const records = await accounts.list(namespace);
      return { accounts: records.map((record) => toWireAccount(toAccount(record))) };
    },
    delete: async ({ id, options }, call) => {
      const namespace = toNamespace(options, call);
      const caller = requireNamespaceAdmin(call.account, namespace, "auth.Accounts.Delete");
      if (id === "") throw new MicroError("invalid_argument", "ID required");
      if (caller.namespace === namespace && (id === caller.id || id === caller.name)) {
        throw new MicroError("invalid_argument", "Can't delete your own account");
      }
      if (!(await accounts.delete(namespace, id))) throw notFound(namespace, id);
      await audit.change(noteOf(call, { namespace, action: "account deleted", subject: id, detail: "" }));
      return {};
    },
    changeSecret: async ({ id, oldSecret, newSecret, options }, call) => {
      const namespace = toNamespace(options, call);
      const caller = requireNamespace(call.account, namespace, "auth.Accounts.ChangeSecret");
      if (id === "") throw new MicroError("invalid_argument", "ID required");
      if (newSecret === "") throw new MicroError("invalid_argument", "New secret required");
      const record = await accounts.find(namespace, id);
      const address = peerHost(call.peer);
      const isReset = mayReset(caller);
      if (!isReset) await desk.requireSecret({ namespace, id, record, secret: oldSecret, address });
      if (record === undefined || !(await accounts.changeSecret(namespace, record.id, newSecret))) {
        throw notFound(namespace, id);
      }
      const detail = isReset ? "by an administrator, without the old secret" : "with the old secret";
      await audit.change(noteOf(call, { namespace, action: "secret changed", subject: record.id, detail }));
      return {};
    },
    revoke: async ({ id, options }, call) => {
      const namespace = toNamespace(options, call);
      requireNamespaceAdmin(call.account, namespace, "auth.Accounts.Revoke");
      if (id === "") throw new MicroError("invalid_argument", "ID required");
      const record = await accounts.find(namespace, id);
      if (record === undefined || !(await accounts.revoke(namespace, record.id))) throw notFound(namespace, id);
      await audit.change(noteOf(call, { namespace, action: "tokens revoked", subject: record.id, detail: "" }));
      return {};
    },
  };
}

/** People who administer the installation may help those who forgot their secret. Services may not. */
function mayReset(caller: Account): boolean {
  return caller.namespace === defaultNamespace && caller.type === "user" && isAdministrator(caller);
}

function notFound(namespace: string, id: string): MicroError {
  return new MicroError("not_found", `there is no account ${id} in namespace ${namespace}`);
}
