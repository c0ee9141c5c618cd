import { limits } from "#base/limits.ts";
import type { StoreRecord } from "#interface/store.ts";
import type { Origin } from "./caller.ts";
import { createStore } from "./store.ts";
import type { StoreStep, StoreTable } from "./store-table.ts";

/** Which records, in the order of their keys. */
export interface TableRange {
  readonly prefix: string;
  /** Begin behind this key, in the order asked for. */
  readonly after?: string | undefined;
  readonly order: "asc" | "desc";
  readonly limit: number;
}

/** The table of the store that a model lives in. */
export class ModelTable {
  readonly name: string;
  readonly #origin: Origin;
  #opened: StoreTable | undefined;

  constructor(origin: Origin, name: string) {
    this.name = name;
    this.#origin = origin;
  }

  read(key: string): Promise<StoreRecord | undefined> {
    return this.#open().read(key);
  }

  /** The records of these keys, in the same order; undefined where there is none. They share a call. */
  readAll(keys: readonly string[]): Promise<readonly (StoreRecord | undefined)[]> {
    return Promise.all(keys.map((key) => this.read(key)));
  }

  async list({ prefix, after, order, limit }: TableRange): Promise<readonly StoreRecord[]> {
    return this.#open().list({ prefix, order, limit, ...(after !== undefined && { after }) });
  }

  /** All or none. @throws MicroError `conflict` when an expected revision does not hold. */
  async write(steps: readonly StoreStep[]): Promise<void> {
    await this.#open().batch(steps);
  }

  /** Not before it is used: a service may declare its models where there is no server yet. */
  #open(): StoreTable {
    this.#opened ??= createStore(this.#origin, { table: this.name });
    return this.#opened;
  }
}

/** True when a key fits the store. */
export function isStoreKey(key: string): boolean {
  return new TextEncoder().encode(key).byteLength <= limits.storeKeyBytesMax;
}
