import { systemClock, type Clock } from "#base/clock.ts";
import { Store as StoreService } from "#gen/store/store_pb.ts";
import type { DataRules } from "#interface/auth.ts";
import type { Store, StoreScope } from "#interface/store.ts";
import type { MethodImplementation } from "#rpc/method.ts";
import { protoMethods } from "#rpc/proto-service.ts";
import { executeMethod } from "./execute-method.ts";
import { isReservedTable } from "./reserved-tables.ts";
import { storeHandlers } from "./store-handlers.ts";
import { StoreTasks } from "./store-tasks.ts";

export interface StoreMethodsDeps {
  readonly store: Store;
  /** Tables that nobody reads, writes or lists through the service. @default isReservedTable: those of the core services */
  readonly isReserved?: (scope: StoreScope) => boolean;
  /** Turns the time that is left of a record into a moment. @default systemClock */
  readonly clock?: Clock;
  /** Rules about tables. @default none */
  readonly rules?: DataRules;
}

/** The methods of `store.Store`, for the table of the core service `store`. */
export function storeMethods(deps: StoreMethodsDeps): readonly MethodImplementation[] {
  const { store, isReserved = isReservedTable, clock = systemClock, rules } = deps;
  const given = { store, isReserved, clock, rules };
  const tasks = new StoreTasks(given);
  return [...protoMethods(StoreService, storeHandlers(given, tasks)), executeMethod(tasks)];
}
