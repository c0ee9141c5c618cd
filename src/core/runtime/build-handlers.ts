import { MicroError } from "#base/error.ts";
import type { Build as BuildService } from "#gen/runtime/runtime_pb.ts";
import { requireAccount, requireNamespaceAdmin } from "#interface/namespace-access.ts";
import type { Runtime } from "#interface/runtime.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";

/** `runtime.Build`: administrators read what the build of a service said. */
export function buildHandlers(runtime: Pick<Runtime, "buildLog">): ProtoHandlers<typeof BuildService> {
  return {
    read: async function* ({ name, version, namespace: named }, call) {
      const account = requireAccount(call.account, call.endpoint);
      const namespace = named === "" ? account.namespace : named;
      requireNamespaceAdmin(account, namespace, call.endpoint);
      if (name === "") throw new MicroError("not_found", "Build not found");
      const key = { namespace, name, version: version === "" ? "latest" : version };
      for await (const data of runtime.buildLog(key, call.signal)) yield { data };
    },
  };
}
