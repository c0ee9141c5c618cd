/** Entry point `micro-ts/model`: typed records with indexes, on the store. */
import type { z } from "zod";
import type { Origin } from "./caller.ts";
import { ModelReader, type Page } from "./model-reader.ts";
import {
  resolveModelOptions,
  type IndexField,
  type IndexOptions,
  type KeyField,
  type ModelOptions,
} from "./model-options.ts";
import type { ModelQuery, PageOptions, ValueRange } from "./model-query.ts";
import { ModelRecords } from "./model-record.ts";
import { ModelTable } from "./model-table.ts";
import { ModelWriter } from "./model-writer.ts";
import { reindex } from "./model-reindex.ts";
import type { Schema } from "./schema-kind.ts";

export { z } from "zod";
export type { Origin } from "./caller.ts";
export type { IndexField, IndexOptions, KeyField, ModelOptions, ModelQuery, Page, PageOptions, ValueRange };

/**
 * Typed records with a key and indexes. Every change of a record and of its index entries is one atomic write, so an
 * index never says anything else than the records do.
 *
 * All methods throw MicroError `unavailable`, `timeout` or `permission_denied` when the store cannot be used.
 */
export interface Model<S extends Schema, K extends keyof z.output<S>, I extends keyof z.output<S>> {
  /**
   * Adds a record and returns it as the schema made it.
   *
   * @throws MicroError `invalid_argument` when it does not match the schema; `conflict` when its key, or the value of a
   * unique index, is there already.
   */
  create(record: z.input<S>): Promise<z.output<S>>;
  /** Undefined when there is none. @throws MicroError `failed_precondition` when it does not match the schema any more. */
  read(key: z.output<S>[K]): Promise<z.output<S> | undefined>;
  /** The first record of this value, by the order of keys. */
  find<F extends I>(field: F, value: NonNullable<z.output<S>[F]>): Promise<z.output<S> | undefined>;
  /**
   * Changes a record and returns it. When somebody else changed it meanwhile, `change` is called again with what is
   * there then, so it must do nothing but give the new record; no change is lost. It may not change the key.
   *
   * @throws MicroError `not_found`; `invalid_argument`; `conflict` when the value of a unique index is taken.
   */
  update(key: z.output<S>[K], change: (record: z.output<S>) => z.input<S> | Promise<z.input<S>>): Promise<z.output<S>>;
  /** Removes a record. False when there was none. */
  delete(key: z.output<S>[K]): Promise<boolean>;
  /**
   * One page of records, by the key or by an index. Each of them matches the query; records that change while pages are
   * read may be missed or seen twice when they move from one page to another.
   */
  query(query?: ModelQuery<z.output<S>, I | K>): Promise<Page<z.output<S>>>;
  /** All records of a query, read page by page; `limit` is the size of a page. */
  list(query?: ModelQuery<z.output<S>, I | K>): AsyncIterable<z.output<S>>;
  /**
   * Makes the indexes anew from the records: once after an index was added to, or taken from, a model that has records
   * already. Others may read and write meanwhile.
   *
   * @returns how many records there are
   * @throws MicroError `conflict` when two records hold the same value of a unique index.
   */
  reindex(): Promise<number>;
}

/**
 * A model of a service or a client. Nothing is sent before the first use.
 *
 * @param name of the model; with the name of the origin it names the table
 * @throws MicroError `invalid_argument` for a bad name, or a key or an index that the schema does not have.
 */
export function createModel<
  S extends Schema,
  K extends KeyField<z.output<S>>,
  I extends IndexField<z.output<S>> = never,
>(origin: Origin, name: string, options: ModelOptions<S, K, I>): Model<S, K, I> {
  const config = resolveModelOptions(origin.name, name, options);
  const table = new ModelTable(origin, config.table);
  const records = new ModelRecords(options.schema, config);
  const reader = new ModelReader({ table, records }, config);
  const writer = new ModelWriter({ table, records }, config);
  return {
    create: (record) => writer.create(record),
    read: (key) => reader.read(key),
    find: async (field, value) => {
      const { records: found } = await reader.query({ by: field, equals: value, limit: 1 });
      return found[0];
    },
    update: (key, change) => writer.update(key, change),
    delete: (key) => writer.delete(key),
    query: (query = {}) => reader.query(query),
    list: (query = {}) => reader.list(query),
    reindex: () => reindex({ table, records }),
  };
}
