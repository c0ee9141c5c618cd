import { MicroError } from "#base/error.ts";
import type { Store, StoreChange, StoreQuery, StoreRecord, StoreScope } from "#interface/store.ts";
import type { Origin } from "#service/caller.ts";
import { createProtoClient, type ProtoClient } from "#service/proto.ts";
import { createStore, type StoreStep, type StoreTable } from "#service/store.ts";
import { Store as StoreService } from "#gen/store/store_pb.ts";

/** The store as an author of services sees it, through `micro-ts/store`. */
export class StoreOverRpc implements Store {
  readonly #origin: Origin;
  readonly #client: ProtoClient<typeof StoreService>;
  readonly #tables = new Map<string, StoreTable>();

  constructor(origin: Origin) {
    this.#origin = origin;
    this.#client = createProtoClient(origin, "store", StoreService);
  }

  async read(scope: StoreScope, key: string): Promise<StoreRecord | undefined> {
    return this.#table(scope).read(key);
  }

  async list(scope: StoreScope, query?: StoreQuery): Promise<readonly StoreRecord[]> {
    return this.#table(scope).list(query);
  }

  async keys(scope: StoreScope, query?: StoreQuery): Promise<readonly string[]> {
    return this.#table(scope).keys(query);
  }

  async write(changes: readonly StoreChange[]): Promise<number> {
    const [first, second] = changes;
    if (first === undefined) throw new MicroError("invalid_argument", "a write needs at least one change");
    const table = this.#table(first.scope);
    // A change alone takes the other way through the client, where it shares a call with others.
    if (second !== undefined || first.kind === "check") return table.batch(changes.map(toStep));
    if (first.kind === "put") return table.write(first.key, first.value, first);
    await table.delete(first.key, first);
    return 0;
  }

  async databases(): Promise<readonly string[]> {
    return (await this.#client.databases({})).databases;
  }

  async tables(database: string): Promise<readonly string[]> {
    return this.#table({ database, table: "any" }).tables();
  }

  #table(scope: StoreScope): StoreTable {
    const name = `${scope.database}/${scope.table}`;
    const table = this.#tables.get(name) ?? createStore(this.#origin, scope);
    this.#tables.set(name, table);
    return table;
  }
}

function toStep(change: StoreChange): StoreStep {
  return change.kind === "put" ? { ...change, kind: "write" } : change;
}
