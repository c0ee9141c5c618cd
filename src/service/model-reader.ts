import type { z } from "zod";
import { MicroError } from "#base/error.ts";
import type { StoreRecord } from "#interface/store.ts";
import type { ModelConfig } from "./model-options.ts";
import { formatCursor, toKeyRange, type KeyRange, type PlainQuery } from "./model-query.ts";
import type { ModelRecords } from "./model-record.ts";
import type { ModelTable } from "./model-table.ts";
import type { Schema } from "./schema-kind.ts";

/** Records, and how to get the next ones. */
export interface Page<T> {
  readonly records: readonly T[];
  /** Given as `cursor` of the same query it gives the next page; undefined behind the last record. */
  readonly next: string | undefined;
}

export interface ModelDeps<S extends Schema> {
  readonly table: ModelTable;
  readonly records: ModelRecords<S>;
}

/** Reads the records of a model. */
export class ModelReader<S extends Schema> {
  readonly #deps: ModelDeps<S>;
  readonly #config: ModelConfig;

  constructor(deps: ModelDeps<S>, config: ModelConfig) {
    this.#deps = deps;
    this.#config = config;
  }

  async read(key: unknown): Promise<z.output<S> | undefined> {
    const { table, records } = this.#deps;
    const found = await table.read(records.storeKey(key));
    return found === undefined ? undefined : records.fromBytes(found.value, found.key);
  }

  async query(query: PlainQuery): Promise<Page<z.output<S>>> {
    const field = query.by ?? this.#config.key;
    const isIndex = this.#requireField(field);
    const range = toKeyRange(query, this.#deps.records.prefix(field));
    const found: z.output<S>[] = [];
    let { after } = range;
    // Again only where entries were read whose record had changed in between.
    for (;;) {
      const { entries, isLast } = await this.#entries(range, { after, wanted: range.limit - found.length });
      found.push(...(await (isIndex ? this.#follow(entries) : this.#parse(entries))));
      after = entries.at(-1)?.key;
      if (isLast || after === undefined) return { records: found, next: undefined };
      if (found.length === range.limit) return { records: found, next: formatCursor(after) };
    }
  }

  async *list(query: PlainQuery): AsyncGenerator<z.output<S>, void> {
    let page = await this.query(query);
    for (;;) {
      yield* page.records;
      if (page.next === undefined) return;
      page = await this.query({ ...query, cursor: page.next });
    }
  }

  /** The next entries of a range, and whether the range ends with them. */
  async #entries(
    range: KeyRange,
    { after, wanted }: { readonly after: string | undefined; readonly wanted: number },
  ): Promise<{ readonly entries: readonly StoreRecord[]; readonly isLast: boolean }> {
    const { prefix, order } = range;
    // One more than is wanted tells whether there is a next page.
    const page = await this.#deps.table.list({ prefix, after, order, limit: wanted + 1 });
    const inside = page.filter((entry) => !range.isBeyond(entry.key));
    return { entries: inside.slice(0, wanted), isLast: inside.length <= wanted };
  }

  #parse(found: readonly StoreRecord[]): z.output<S>[] {
    return found.map((each) => this.#deps.records.fromBytes(each.value, each.key));
  }

  /** The records that index entries lead to, without those that do not hold the value any more. */
  async #follow(entries: readonly StoreRecord[]): Promise<z.output<S>[]> {
    const { table, records } = this.#deps;
    const found = await table.readAll(entries.map((each) => decoder.decode(each.value)));
    return entries.flatMap((entry, index) => {
      const target = found[index];
      if (target === undefined) return [];
      const record = records.fromBytes(target.value, target.key);
      return records.entries(record).has(entry.key) ? [record] : [];
    });
  }

  /** True for an index, false for the key. @throws MicroError `invalid_argument` for any other field. */
  #requireField(field: string): boolean {
    if (this.#config.indexes.has(field)) return true;
    if (field === this.#config.key) return false;
    const known = [this.#config.key, ...this.#config.indexes.keys()].join(", ");
    const detail = `model ${this.#config.name} has no index "${field}"; records are found by ${known}`;
    throw new MicroError("invalid_argument", detail);
  }
}

const decoder = new TextDecoder();
