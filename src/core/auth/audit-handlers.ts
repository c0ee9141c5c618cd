import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Audit as AuditService, AuditEntrySchema } from "#gen/auth/auth_pb.ts";
import type { AuditEntry } from "#interface/audit.ts";
import { requireNamespaceAdmin } from "#interface/namespace-access.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";
import type { AuditLog } from "./audit-log.ts";
import { toNamespace } from "./auth-wire.ts";

const defaultCount = 100;
/** More does not fit in a message. */
const countMax = 2_000;

/** `auth.Audit` as callers reach it. */
export function auditHandlers(audit: AuditLog): ProtoHandlers<typeof AuditService> {
  return {
    read: async ({ options, limit, since, account }, call) => {
      const namespace = toNamespace(options, call);
      requireNamespaceAdmin(call.account, namespace, "auth.Audit.Read");
      const entries = await audit.read({
        namespace,
        countMax: limit > 0n ? Math.min(Number(limit), countMax) : defaultCount,
        sinceMs: Number(since) * 1_000,
        ...(account === "" ? {} : { account }),
      });
      return { entries: entries.map(toWire) };
    },
  };
}

function toWire(entry: AuditEntry): MessageInitShape<typeof AuditEntrySchema> {
  const { firstMs, lastMs, count, action, account, subject, address, detail } = entry;
  return {
    firstMs: BigInt(firstMs),
    lastMs: BigInt(lastMs),
    count: BigInt(count),
    action,
    account: account?.id ?? "",
    accountNamespace: account?.namespace ?? "",
    subject,
    address,
    detail,
  };
}
