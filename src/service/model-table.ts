import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { Store } from "#gen/store/store_pb.ts";
import type { Origin } from "./caller.ts";
import { createProtoClient, type ProtoClient } from "./proto.ts";

/** A record as the store keeps it. */
export interface TableRecord {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: bigint;
}

/** One step of an atomic write. `expectedRevision` 0 means that there must be no record yet. */
export type TableChange =
  | { readonly kind: "put"; readonly key: string; readonly value: Uint8Array; readonly expectedRevision?: bigint }
  | { readonly kind: "delete"; readonly key: string; readonly expectedRevision?: bigint }
  | { readonly kind: "check"; readonly key: string; readonly expectedRevision: bigint };

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
  readonly #client: ProtoClient<typeof Store>;

  constructor(origin: Origin, name: string) {
    this.name = name;
    this.#origin = origin;
    this.#client = createProtoClient(origin, "store", Store);
  }

  /** The records of these keys, in the same order; undefined where there is none. */
  async read(keys: readonly string[]): Promise<readonly (TableRecord | undefined)[]> {
    if (keys.length === 0) return [];
    const options = this.#where();
    const tasks = keys.map((key) => ({ work: { case: "read" as const, value: { key, options } } }));
    const { outcomes } = await this.#client.execute({ tasks });
    return outcomes.map(({ result }) => {
      if (result.case === "read") return result.value.records[0];
      if (result.case === "failure" && result.value.code === notFound) return undefined;
      const detail = result.case === "failure" ? result.value.detail : "the store answered something else";
      throw new MicroError("bad_gateway", detail, { at: "store.Execute" });
    });
  }

  async list({ prefix, after = "", order, limit }: TableRange): Promise<readonly TableRecord[]> {
    const options = { ...this.#where(), prefix: true, limit: BigInt(limit), order, after };
    return (await this.#client.read({ key: prefix, options })).records;
  }

  /** All or none. @throws MicroError `conflict` when an expected revision does not hold. */
  async write(changes: readonly TableChange[]): Promise<void> {
    await this.#client.batch({ operations: changes.map(toOperation), options: this.#where() });
  }

  #where(): { readonly database: string; readonly table: string } {
    return { database: this.#origin.namespace, table: this.name };
  }
}

/** Records read in one call. */
export const readCountMax = 100;

const notFound = 404;

type Operation = NonNullable<Parameters<ProtoClient<typeof Store>["batch"]>[0]["operations"]>[number];

function toOperation({ expectedRevision, ...change }: TableChange): Operation {
  const condition = expectedRevision === undefined ? {} : { expectedRevision };
  if (change.kind === "put") {
    return { action: { case: "write", value: { key: change.key, value: change.value } }, ...condition };
  }
  return { action: { case: change.kind, value: change.key }, ...condition };
}

/** True when a key fits the store. */
export function isStoreKey(key: string): boolean {
  return new TextEncoder().encode(key).byteLength <= limits.storeKeyBytesMax;
}
