import { MicroError } from "#base/error.ts";
import type { AuditSink } from "#interface/audit.ts";
import type { CallGuard, RpcMethod, ServiceTable } from "#rpc/method.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { noteOf } from "./audit-call.ts";

/** Told of a call that was refused because of who made it. */
export type RefusalReport = (call: ServerCall, refusal: MicroError) => void;

/** Keeps refusals in the audit log. */
export function refusalsTo(audit: AuditSink): RefusalReport {
  return (call, { detail }) => {
    audit.note(noteOf(call, { action: "refused", subject: `${call.service}:${call.endpoint}`, detail }));
  };
}

/** The same guard, of whose refusals somebody is told. */
export function reportGuard(guard: CallGuard, report: RefusalReport): CallGuard {
  const rethrow = (reason: unknown, call: ServerCall): never => {
    if (isRefusal(reason)) report(call, reason);
    throw reason;
  };
  return (call) => {
    try {
      return guard(call)?.catch((reason: unknown) => rethrow(reason, call));
    } catch (reason) {
      return rethrow(reason, call);
    }
  };
}

/** The same service, of whose refusals (401 and 403) somebody is told. Costs a call that passes next to nothing. */
export function reportRefusals(table: ServiceTable, report: RefusalReport): ServiceTable {
  const known = new Map<string, RpcMethod | undefined>();
  return {
    ...table,
    method: (endpoint) => {
      if (known.has(endpoint)) return known.get(endpoint);
      const method = table.method(endpoint);
      // Names of endpoints come from callers: only those that are there are remembered.
      if (method === undefined) return undefined;
      const reporting = withReport(method, report);
      known.set(endpoint, reporting);
      return reporting;
    },
  };
}

function withReport(method: RpcMethod, report: RefusalReport): RpcMethod {
  const rethrow = (reason: unknown, call: ServerCall): never => {
    if (isRefusal(reason)) report(call, reason);
    throw reason;
  };
  return {
    kind: method.kind,
    unary: (message, call) => method.unary(message, call).catch((reason: unknown) => rethrow(reason, call)),
    // Who may not call learns it with the first answer: the others go by untouched.
    stream: (messages, call) => {
      const answers = method.stream(messages, call)[Symbol.asyncIterator]();
      let isFirst = true;
      const iterator: AsyncIterator<Uint8Array> = {
        next: () => {
          if (!isFirst) return answers.next();
          isFirst = false;
          return answers.next().catch((reason: unknown) => rethrow(reason, call));
        },
        return: (value?: unknown) => answers.return?.(value) ?? Promise.resolve({ done: true, value: undefined }),
      };
      return { [Symbol.asyncIterator]: () => iterator };
    },
  };
}

function isRefusal(reason: unknown): reason is MicroError {
  return MicroError.is(reason) && (reason.code === "unauthenticated" || reason.code === "permission_denied");
}
