import type { z } from "zod";
import { backoffMs } from "#base/backoff.ts";
import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import type { StoreRecord } from "#interface/store.ts";
import type { ModelConfig } from "./model-options.ts";
import type { ModelDeps } from "./model-reader.ts";
import type { IndexEntry } from "./model-record.ts";
import { Turns } from "./model-turns.ts";
import type { Schema } from "./schema-kind.ts";
import type { StoreStep } from "./store-table.ts";

/** How often a write begins anew because others were faster: with the waits below some ten seconds. */
const attemptCountMax = 100;
const retryBackoff = { initialMs: 1, maxMs: 100, jitter: 1 } as const;

type Entries = ReadonlyMap<string, IndexEntry>;

/** Writes the records of a model together with their index entries. */
export class ModelWriter<S extends Schema> {
  readonly #deps: ModelDeps<S>;
  readonly #config: ModelConfig;
  readonly #turns = new Turns();

  constructor(deps: ModelDeps<S>, config: ModelConfig) {
    this.#deps = deps;
    this.#config = config;
  }

  async create(value: unknown): Promise<z.output<S>> {
    const { records } = this.#deps;
    const { record, bytes } = records.prepare(value);
    const key = records.keyOf(record);
    const storeKey = records.storeKey(key);
    const entries = records.entries(record);
    const changes: StoreStep[] = [
      { kind: "write", key: storeKey, value: bytes, expectedRevision: 0 },
      ...putEntries(entries, storeKey),
    ];
    await this.#attempt(key, async () => {
      if (await this.#write(changes)) return true;
      const there = await this.#deps.table.read(storeKey);
      if (there !== undefined) throw new MicroError("conflict", `${this.#describe(key)} exists already`);
      await this.#refuseTaken(entries, storeKey);
      return undefined;
    });
    return record;
  }

  update(key: unknown, change: (record: z.output<S>) => unknown): Promise<z.output<S>> {
    const storeKey = this.#deps.records.storeKey(key);
    const attempt = async (): Promise<z.output<S> | undefined> => {
      const stored = await this.#deps.table.read(storeKey);
      if (stored === undefined) throw new MicroError("not_found", `${this.#describe(key)} does not exist`);
      return this.#replace(stored, change);
    };
    return this.#turns.run(storeKey, () => this.#attempt(key, attempt));
  }

  async delete(key: unknown): Promise<boolean> {
    const { records, table } = this.#deps;
    const storeKey = records.storeKey(key);
    const attempt = async (): Promise<boolean | undefined> => {
      const stored = await table.read(storeKey);
      if (stored === undefined) return false;
      const entries = records.entries(records.fromBytes(stored.value, storeKey));
      const changes: StoreStep[] = [
        { kind: "delete", key: storeKey, expectedRevision: stored.revision },
        ...removeEntries(entries),
      ];
      return (await this.#write(changes)) ? true : undefined;
    };
    return this.#turns.run(storeKey, () => this.#attempt(key, attempt));
  }

  /** The record as `change` wants it; undefined when somebody else was faster. */
  async #replace(stored: StoreRecord, change: (record: z.output<S>) => unknown): Promise<z.output<S> | undefined> {
    const { records } = this.#deps;
    const before = records.entries(records.fromBytes(stored.value, stored.key));
    // Read again for the author, who may change the object in place.
    const { record, bytes } = records.prepare(await change(records.fromBytes(stored.value, stored.key)));
    const key = records.keyOf(record);
    if (records.storeKey(key) !== stored.key) {
      const detail = `${this.#config.name}.${this.#config.key} is the key of the record and cannot be changed`;
      throw new MicroError("invalid_argument", detail);
    }
    const after = records.entries(record);
    const added = without(after, before);
    const changes: StoreStep[] = [
      { kind: "write", key: stored.key, value: bytes, expectedRevision: stored.revision },
      ...putEntries(added, stored.key),
      ...removeEntries(without(before, after)),
    ];
    if (await this.#write(changes)) return record;
    await this.#refuseTaken(added, stored.key);
    return undefined;
  }

  /** False when an expected revision does not hold. */
  async #write(changes: readonly StoreStep[]): Promise<boolean> {
    try {
      await this.#deps.table.write(changes);
      return true;
    } catch (reason) {
      if (MicroError.is(reason) && reason.code === "conflict") return false;
      throw reason;
    }
  }

  /** @throws MicroError `conflict` when a unique value belongs to another record. */
  async #refuseTaken(entries: Entries, storeKey: string): Promise<void> {
    const unique = [...entries].filter(([, entry]) => entry.isUnique);
    const found = await this.#deps.table.readAll(unique.map(([entryKey]) => entryKey));
    for (const [index, [, { field, value }]] of unique.entries()) {
      const owner = found[index];
      if (owner === undefined || decoder.decode(owner.value) === storeKey) continue;
      const detail = `${this.#config.name}.${field} ${JSON.stringify(value)} is taken by another record`;
      throw new MicroError("conflict", detail);
    }
  }

  /** Tries until it is done, with pauses. @throws MicroError `conflict` when others are always faster. */
  async #attempt<T>(key: unknown, work: () => Promise<T | undefined>): Promise<T> {
    for (let count = 1; count <= attemptCountMax; count += 1) {
      const result = await work();
      if (result !== undefined) return result;
      await delay(backoffMs(count, retryBackoff));
    }
    throw new MicroError("conflict", `${this.#describe(key)} is being changed by others all the time; try again later`);
  }

  #describe(key: unknown): string {
    return `${this.#config.name} ${JSON.stringify(key)}`;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A unique value must be free; any other entry names its record, so nobody else writes it. */
function putEntries(entries: Entries, storeKey: string): StoreStep[] {
  const value = encoder.encode(storeKey);
  return [...entries].map(([key, { isUnique }]) => ({
    kind: "write",
    key,
    value,
    ...(isUnique && { expectedRevision: 0 }),
  }));
}

function removeEntries(entries: Entries): StoreStep[] {
  return [...entries.keys()].map((key) => ({ kind: "delete", key }));
}

function without(entries: Entries, others: Entries): Entries {
  return new Map([...entries].filter(([key]) => !others.has(key)));
}
