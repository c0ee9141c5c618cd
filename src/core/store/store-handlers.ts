import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ListRequest, ListResponseSchema, Store as StoreService } from "#gen/store/store_pb.ts";
import { defaultNamespace } from "#interface/auth.ts";
import { requireData } from "#interface/data-access.ts";
import { requireNamespaceAdmin } from "#interface/namespace-access.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { AnswerRoom } from "./answer-room.ts";
import { origin, type StoreTasks, type StoreTasksDeps } from "./store-tasks.ts";
import { toDatabase, toQuery, toScope } from "./store-wire.ts";
import { walkKeys } from "./walk-store.ts";

/** `store.Store` as callers reach it: administrators of a database do everything in it that no rule denies, but in tables that are reserved. */
export function storeHandlers(deps: StoreTasksDeps, tasks: StoreTasks): ProtoHandlers<typeof StoreService> {
  return {
    read: (request, call) => tasks.read(request, call, new AnswerRoom(call.encoding)),
    write: (request, call) => tasks.write(request, call),
    delete: (request, call) => tasks.delete(request, call),
    batch: (request, call) => tasks.batch(request, call),
    list: (request, call) => listKeys({ deps, tasks }, request, call),
    databases: async (_request, call) => {
      requireNamespaceAdmin(call.account, defaultNamespace, origin(call));
      return { databases: [...(await deps.store.databases())] };
    },
    tables: async (request, call) => {
      const database = toDatabase(request.database);
      const resource = { type: "store", name: "*", endpoint: "list" } as const;
      requireData(deps.rules, call.account, { namespace: database, resource, at: origin(call) });
      const tables = await deps.store.tables(database);
      return { tables: tables.filter((table) => !deps.isReserved({ database, table })) };
    },
  };
}

async function* listKeys(
  { deps, tasks }: { readonly deps: StoreTasksDeps; readonly tasks: StoreTasks },
  { options }: ListRequest,
  call: ServerCall,
): AsyncGenerator<MessageInitShape<typeof ListResponseSchema>> {
  const scope = tasks.open(toScope(options), call, "read");
  const query = options === undefined ? {} : toQuery(options);
  let isEmpty = true;
  for await (const keys of walkKeys(deps.store, { scope, query, signal: call.signal })) {
    isEmpty = false;
    yield { keys: [...keys] };
  }
  // Clients that read one message, as Micro's servers send it, get one.
  if (isEmpty) yield { keys: [] };
}
