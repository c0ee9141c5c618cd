import type { z } from "zod";
import { MicroError } from "#base/error.ts";
import type { MessageType } from "#rpc/method.ts";
import { encodeIndexValue, encodeText, isIndexValue, separator, type IndexValue } from "./model-key.ts";
import type { ModelConfig } from "./model-options.ts";
import { isStoreKey } from "./model-table.ts";
import type { Schema } from "./schema-kind.ts";
import { createSchemaMessage } from "./schema-message.ts";

/** An entry of an index: it leads from a value to the record that holds it. */
export interface IndexEntry {
  readonly field: string;
  readonly value: IndexValue;
  readonly isUnique: boolean;
}

/** Turns records into what the store keeps, and back; knows the keys of records and of index entries. */
export class ModelRecords<S extends Schema> {
  readonly #config: ModelConfig;
  readonly #type: MessageType<z.output<S>>;

  constructor(schema: S, config: ModelConfig) {
    this.#config = config;
    this.#type = createSchemaMessage(schema, config.name, "output");
  }

  /**
   * A record from outside as the schema makes it, with its bytes.
   *
   * @throws MicroError `invalid_argument` that names the field.
   */
  prepare(value: unknown): { readonly record: z.output<S>; readonly bytes: Uint8Array } {
    try {
      const json = this.#type.toJson(value as z.output<S>);
      // From JSON again, so that a record is the same whether it was just written or is read later.
      return { record: this.#type.fromJson(json), bytes: encoder.encode(JSON.stringify(json)) };
    } catch (reason) {
      throw new MicroError("invalid_argument", MicroError.from(reason).detail, { cause: reason });
    }
  }

  /** @throws MicroError `failed_precondition` for a record that an older schema wrote and this one does not accept. */
  fromBytes(bytes: Uint8Array, storeKey: string): z.output<S> {
    try {
      return this.#type.fromJson(JSON.parse(decoder.decode(bytes)));
    } catch (reason) {
      const { detail } = MicroError.from(reason);
      const text = `record ${storeKey} of table ${this.#config.table} does not match the schema of model ${this.#config.name}: ${detail}`;
      throw new MicroError("failed_precondition", text, { cause: reason });
    }
  }

  /** The key of the store for a record. @throws MicroError `invalid_argument` for what is no key. */
  storeKey(key: unknown): string {
    const { name, key: field } = this.#config;
    if (key === "" || (typeof key !== "string" && typeof key !== "number")) {
      throw new MicroError("invalid_argument", `${name}.${field} is missing: it is the key of a record`);
    }
    return this.#checkLength(field, `${recordPrefix}${encodeIndexValue(key)}${separator}`);
  }

  keyOf(record: z.output<S>): string | number {
    return valueOf(record, this.#config.key) as string | number;
  }

  /** The index entries of a record, by their keys in the store. */
  entries(record: z.output<S>): Map<string, IndexEntry> {
    const entries = new Map<string, IndexEntry>();
    for (const [field, { unique }] of this.#config.indexes) {
      const value = valueOf(record, field);
      if (!isIndexValue(value)) {
        if (value === undefined || value === null) continue;
        throw new MicroError(
          "invalid_argument",
          `${this.#config.name}.${field} cannot be indexed: it is ${typeof value}`,
        );
      }
      const start = `${this.prefix(field)}${encodeIndexValue(value)}${separator}`;
      const storeKey = unique ? start : start + encodeIndexValue(this.keyOf(record));
      entries.set(this.#checkLength(field, storeKey), { field, value, isUnique: unique });
    }
    return entries;
  }

  /** What the keys of an index begin with; of the records themselves, for the key's field. */
  prefix(field: string): string {
    const index = this.#config.indexes.get(field);
    if (index !== undefined) return `${index.unique ? "u" : "i"}${separator}${encodeText(field)}${separator}`;
    return recordPrefix;
  }

  /** What the schema and the store are told apart by in texts for people. */
  describe(key: string | number): string {
    return `${this.#config.name} ${JSON.stringify(key)}`;
  }

  #checkLength(field: string, storeKey: string): string {
    if (isStoreKey(storeKey)) return storeKey;
    throw new MicroError("invalid_argument", `${this.#config.name}.${field} is too long for a key or an index`);
  }
}

/** What the keys of records begin with. */
export const recordPrefix = `r${separator}`;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function valueOf(record: unknown, field: string): unknown {
  return typeof record === "object" && record !== null ? Reflect.get(record, field) : undefined;
}
