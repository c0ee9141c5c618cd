import type { AuditNote } from "#interface/audit.ts";
import { defaultNamespace, type Account } from "#interface/auth.ts";
import { peerHost } from "#rpc/peer-address.ts";
import type { ServerCall } from "#rpc/server-call.ts";

/** What a note says beside who called and from where. */
export type CallNote = Pick<AuditNote, "action" | "subject" | "detail"> & {
  /** @default the one that the call acts in, else that of the account */
  readonly namespace?: string;
};

/** A note about what a call did. */
export function noteOf(call: ServerCall, { action, subject, detail, namespace }: CallNote): AuditNote {
  const { account } = call;
  const named = namespace ?? (call.namespace === "" ? account?.namespace : call.namespace);
  return {
    namespace: named ?? defaultNamespace,
    action,
    subject,
    detail,
    address: peerHost(call.peer),
    ...(account === undefined ? {} : { account: nameOf(account) }),
  };
}

/** A note about what the server did by itself. */
export function noteOfServer({ action, subject, detail, namespace }: Required<CallNote>): AuditNote {
  return { namespace, action, subject, detail, address: "", account: { id: "server", namespace: defaultNamespace } };
}

function nameOf({ id, namespace }: Account): { id: string; namespace: string } {
  return { id, namespace };
}
