/** Entry point `micro-ts/store`: records by key. */
import { MicroError } from "#base/error.ts";
import { requireName } from "#base/name.ts";
import { Store } from "#gen/store/store_pb.ts";
import type { StoreQuery, StoreRecord } from "#interface/store.ts";
import type { Origin } from "./caller.ts";
import { createProtoClient, type ProtoClient } from "./proto.ts";
import { encodeDelete, encodeRead, encodeWhere, encodeWrite } from "./store-codec.ts";
import { readKeys, readPages } from "./store-pages.ts";
import { StorePipeline } from "./store-pipeline.ts";
import type { StoreStep, StoreTable, StoreValue, WriteOptions } from "./store-table.ts";
import { toOperation } from "./store-wire.ts";
import { toJsonText } from "./to-json-text.ts";

export type { StoreQuery, StoreRecord } from "#interface/store.ts";
export type { Origin } from "./caller.ts";
export type { StoreStep, StoreTable, StoreValue, WriteOptions } from "./store-table.ts";

export interface StoreOptions {
  /** Whose records. @default the namespace of the origin; others are for administrators of the installation */
  readonly database?: string;
  /** @default the name of the origin, so that each service has a table of its own */
  readonly table?: string;
}

/**
 * Opens a table of the store, over the calls of a service or a client; it holds nothing that has to be closed. What is
 * called for at the same time shares a call.
 *
 * @throws MicroError `invalid_argument` for a bad name.
 */
export function createStore(origin: Origin, options: StoreOptions = {}): StoreTable {
  const { database = origin.namespace, table = origin.name } = options;
  const client = createProtoClient(origin, "store", Store);
  return new RemoteTable({ client, pipeline: new StorePipeline(origin) }, { database, table });
}

interface RemoteParts {
  readonly client: ProtoClient<typeof Store>;
  readonly pipeline: StorePipeline;
}

class RemoteTable implements StoreTable {
  readonly database: string;
  readonly table: string;
  readonly #parts: RemoteParts;
  readonly #where: { readonly database: string; readonly table: string };
  readonly #whereBytes: Uint8Array;

  constructor(parts: RemoteParts, { database, table }: { readonly database: string; readonly table: string }) {
    this.#parts = parts;
    this.database = requireName("database", database);
    this.table = requireName("table", table);
    this.#where = { database, table };
    this.#whereBytes = encodeWhere(this.#where);
  }

  async read(key: string): Promise<StoreRecord | undefined> {
    const task = encodeRead(this.#whereBytes, key);
    return (await this.#parts.pipeline.run({ task, kind: "read", key })).record;
  }

  async readText(key: string): Promise<string | undefined> {
    const record = await this.read(key);
    return record === undefined ? undefined : decoder.decode(record.value);
  }

  async readJson<T = unknown>(key: string): Promise<T | undefined> {
    const text = await this.readText(key);
    return text === undefined ? undefined : (parseJson(key, text) as T);
  }

  async write(key: string, value: StoreValue, options: WriteOptions = {}): Promise<number> {
    const task = encodeWrite(this.#whereBytes, { key, value, options });
    return (await this.#parts.pipeline.run({ task, kind: "change", key })).revision;
  }

  async writeJson(key: string, value: unknown, options?: WriteOptions): Promise<number> {
    return this.write(key, toJsonText(value), options);
  }

  async delete(key: string, options: { readonly expectedRevision?: number } = {}): Promise<void> {
    const task = encodeDelete(this.#whereBytes, key, options.expectedRevision);
    await this.#parts.pipeline.run({ task, kind: "change", key });
  }

  async batch(steps: readonly StoreStep[]): Promise<number> {
    const request = { operations: steps.map(toOperation), options: this.#where };
    const { revisions } = await this.#parts.client.batch(request);
    // What was deleted has 0, what was checked an older one.
    return revisions.reduce((newest, each) => Math.max(newest, Number(each)), 0);
  }

  async keys(query: StoreQuery = {}): Promise<readonly string[]> {
    return readKeys({ client: this.#parts.client, where: this.#where }, query);
  }

  async list(query?: StoreQuery): Promise<readonly StoreRecord[]> {
    const records: StoreRecord[] = [];
    for await (const record of this.records(query)) records.push(record);
    return records;
  }

  records(query: StoreQuery = {}): AsyncIterable<StoreRecord> {
    return readPages({ client: this.#parts.client, where: this.#where }, query);
  }

  async tables(): Promise<readonly string[]> {
    return (await this.#parts.client.tables({ database: this.database })).tables;
  }

  withTable(name: string): StoreTable {
    return new RemoteTable(this.#parts, { database: this.database, table: name });
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function parseJson(key: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new MicroError("failed_precondition", `the value of "${key.slice(0, 80)}" is not JSON: read it as text`, {
      cause,
    });
  }
}
