import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type {
  BatchRequest,
  BatchResponse,
  DeleteRequest,
  DeleteResponse,
  Operation,
  ReadRequest,
  ReadResponse,
  WriteRequest,
  WriteResponse,
} from "#gen/store/store_pb.ts";
import type { DataRules } from "#interface/auth.ts";
import { requireData } from "#interface/data-access.ts";
import type { Store, StoreChange, StoreScope } from "#interface/store.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import type { AnswerRoom } from "./answer-room.ts";
import { createReservedRefusal } from "./reserved-tables.ts";
import { fromRecord, toExpected, toPut, toScope, toSearch } from "./store-wire.ts";
import type { StoreTask, TaskOutcome } from "./store-task.ts";
import { walkRecords } from "./walk-store.ts";

export interface StoreTasksDeps {
  readonly store: Store;
  /** Tables that nobody reaches through the service. */
  readonly isReserved: (scope: StoreScope) => boolean;
  readonly clock: Clock;
  /** Rules about tables. @default none: administrators of a database, services among them, use its tables */
  readonly rules?: DataRules | undefined;
}

interface KeyedTask {
  readonly scope: StoreScope;
  readonly key: string;
}

/** What somebody does with a table, as rules of type `store` name it. */
export type StoreRight = "read" | "write" | "list";

const readTypeName = "store.ReadResponse";

/** What can be done to records in one step, each with its check of who asks; a call does one of them, or many. Answers are whole messages, so
 * that nothing has to be filled in. */
export class StoreTasks {
  readonly #deps: StoreTasksDeps;

  constructor(deps: StoreTasksDeps) {
    this.#deps = deps;
  }

  /** @throws MicroError `not_found` when one key is asked for and is not there. */
  async read(request: ReadRequest, call: ServerCall, room: AnswerRoom): Promise<ReadResponse> {
    const scope = this.open(toScope(request.options), call, "read");
    const search = toSearch(request);
    if ("key" in search) {
      const { record, nowMs } = await this.readKey({ scope, key: search.key }, call, room);
      return { $typeName: readTypeName, records: [fromRecord(record, nowMs)] };
    }
    const { store, clock } = this.#deps;
    const records = [];
    for await (const record of walkRecords(store, { scope, query: search.query, signal: call.signal })) {
      room.take(record);
      records.push(fromRecord(record, clock.now()));
    }
    return { $typeName: readTypeName, records };
  }

  /** @throws MicroError `conflict` when the record has another revision. */
  async write({ record, options, expectedRevision }: WriteRequest, call: ServerCall): Promise<WriteResponse> {
    const scope = this.open(toScope(options), call, "write");
    const { store, clock } = this.#deps;
    const revision = await store.write([toPut(record, { scope, expectedRevision }, clock.now())]);
    return { $typeName: "store.WriteResponse", revision: BigInt(revision) };
  }

  /** @throws MicroError `conflict` when the record has another revision. */
  async delete({ key, options, expectedRevision }: DeleteRequest, call: ServerCall): Promise<DeleteResponse> {
    const scope = this.open(toScope(options), call, "write");
    await this.#deps.store.write([{ kind: "delete", scope, key, ...toExpected(expectedRevision) }]);
    return { $typeName: "store.DeleteResponse" };
  }

  /** @throws MicroError `conflict` when one of the records has another revision. */
  async batch({ operations, options }: BatchRequest, call: ServerCall): Promise<BatchResponse> {
    const scope = this.open(toScope(options), call, "write");
    const { store, clock } = this.#deps;
    const nowMs = clock.now();
    const changes = operations.map((operation) => toChange(operation, scope, nowMs));
    const revision = await store.write(changes);
    return {
      $typeName: "store.BatchResponse",
      revisions: changes.map((change) => BigInt(revisionAfter(change, revision))),
    };
  }

  /** One record, by somebody whose right was checked. @throws MicroError `not_found` */
  async readKey(
    { scope, key }: KeyedTask,
    call: ServerCall,
    room: AnswerRoom,
  ): Promise<TaskOutcome & { kind: "read" }> {
    const record = await this.#deps.store.read(scope, key);
    if (record === undefined) throw new MicroError("not_found", "not found", { at: origin(call) });
    room.take(record);
    return { kind: "read", record, nowMs: this.#deps.clock.now() };
  }

  /** Writes by somebody whose right was checked; gives the revision. @throws MicroError `conflict` */
  put({ scope, key, value, expectedRevision }: StoreTask & { kind: "write" }): Promise<number> {
    const change = { kind: "put", scope, key, value } as const;
    return this.#deps.store.write([expectedRevision === undefined ? change : { ...change, expectedRevision }]);
  }

  /** Removes by somebody whose right was checked. @throws MicroError `conflict` */
  remove({ scope, key, expectedRevision }: StoreTask & { kind: "delete" }): Promise<number> {
    const change = { kind: "delete", scope, key } as const;
    return this.#deps.store.write([expectedRevision === undefined ? change : { ...change, expectedRevision }]);
  }

  /** The scope itself. @throws MicroError `unauthenticated` or `permission_denied`. */
  open(scope: StoreScope, call: ServerCall, right: StoreRight): StoreScope {
    const at = origin(call);
    const resource = { type: "store", name: scope.table, endpoint: right } as const;
    requireData(this.#deps.rules, call.account, { namespace: scope.database, resource, at });
    if (this.#deps.isReserved(scope)) throw createReservedRefusal(scope, at);
    return scope;
  }
}

/** Who an error is from. */
export function origin(call: ServerCall): string {
  return `store.${call.endpoint}`;
}

function toChange({ action, expectedRevision }: Operation, scope: StoreScope, nowMs: number): StoreChange {
  switch (action.case) {
    case "write":
      return toPut(action.value, { scope, expectedRevision }, nowMs);
    case "delete":
      return { kind: "delete", scope, key: action.value, ...toExpected(expectedRevision) };
    case "check":
      if (expectedRevision !== undefined) {
        return { kind: "check", scope, key: action.value, expectedRevision: Number(expectedRevision) };
      }
      throw new MicroError(
        "invalid_argument",
        `the check of "${action.value.slice(0, 40)}" needs an expected_revision`,
      );
    default:
      throw new MicroError("invalid_argument", "an operation is a write, a delete or a check; one of these is none");
  }
}

function revisionAfter(change: StoreChange, revision: number): number {
  if (change.kind === "put") return revision;
  return change.kind === "check" ? change.expectedRevision : 0;
}
