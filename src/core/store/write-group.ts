import type { CheckedChange } from "./check-change.ts";

/**
 * Batches on their way to the writer, packed into one piece of memory that changes hands without a copy. Handing them
 * over as objects would cost more than writing them.
 *
 * A batch is its number of changes (u32) and the changes; a change is kind (u8), scope (u32, index into the scopes), the
 * lengths of key, value and metadata (u32 each), expiry and expected revision (f64 each, NaN: none), then the three.
 */
export interface PackedGroup {
  readonly bytes: ArrayBuffer;
  readonly batchCount: number;
  /** `[database, table]`, by scope index. */
  readonly scopes: readonly (readonly [string, string])[];
}

/** A change as the writer finds it. */
export interface PackedChange {
  readonly kind: "put" | "delete";
  readonly scopeIndex: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly metadata: Uint8Array;
  readonly expiresAtMs: number | null;
  readonly expectedRevision: number | undefined;
}

const headBytes = 33;
const firstBytes = 16 * 1024;

/** Packs batches; values are copied at once, so that callers may reuse their memory. */
export class GroupPacker {
  #bytes = new Uint8Array(firstBytes);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #batchCount = 0;
  readonly #scopes: [string, string][] = [];
  readonly #scopeIndex = new Map<string, number>();

  get batchCount(): number {
    return this.#batchCount;
  }

  get byteCount(): number {
    return this.#length;
  }

  add(changes: readonly CheckedChange[]): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, changes.length);
    this.#length += 4;
    for (const change of changes) this.#addChange(change);
    this.#batchCount += 1;
  }

  /** What was packed; the packer is not used any more. */
  finish(): PackedGroup {
    return { bytes: this.#bytes.buffer, batchCount: this.#batchCount, scopes: this.#scopes };
  }

  #addChange(change: CheckedChange): void {
    const { key, value, metadata } = change;
    this.#reserve(headBytes + key.length + value.length + metadata.length);
    const view = this.#view;
    const at = this.#length;
    view.setUint8(at, change.kind === "put" ? 1 : 0);
    view.setUint32(at + 1, this.#indexOf(change.scope.database, change.scope.table));
    view.setUint32(at + 5, key.length);
    view.setUint32(at + 9, value.length);
    view.setUint32(at + 13, metadata.length);
    view.setFloat64(at + 17, change.expiresAtMs ?? Number.NaN);
    view.setFloat64(at + 25, change.expectedRevision ?? Number.NaN);
    this.#bytes.set(key, at + headBytes);
    this.#bytes.set(value, at + headBytes + key.length);
    this.#bytes.set(metadata, at + headBytes + key.length + value.length);
    this.#length = at + headBytes + key.length + value.length + metadata.length;
  }

  #indexOf(database: string, table: string): number {
    // Names hold no slash, so that the joined text is unique.
    const name = `${database}/${table}`;
    const known = this.#scopeIndex.get(name);
    if (known !== undefined) return known;
    this.#scopes.push([database, table]);
    this.#scopeIndex.set(name, this.#scopes.length - 1);
    return this.#scopes.length - 1;
  }

  #reserve(byteCount: number): void {
    const needed = this.#length + byteCount;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** The batches of a group, in order. The bytes of a change are views on the group. */
export function* unpackGroup(group: PackedGroup): Generator<readonly PackedChange[], void> {
  const view = new DataView(group.bytes);
  let at = 0;
  const take = (byteCount: number): Uint8Array => {
    at += byteCount;
    return new Uint8Array(group.bytes, at - byteCount, byteCount);
  };
  const takeChange = (): PackedChange => {
    const head = at;
    at += headBytes;
    const expiresAtMs = view.getFloat64(head + 17);
    const expectedRevision = view.getFloat64(head + 25);
    return {
      kind: view.getUint8(head) === 1 ? "put" : "delete",
      scopeIndex: view.getUint32(head + 1),
      key: take(view.getUint32(head + 5)),
      value: take(view.getUint32(head + 9)),
      metadata: take(view.getUint32(head + 13)),
      expiresAtMs: Number.isNaN(expiresAtMs) ? null : expiresAtMs,
      expectedRevision: Number.isNaN(expectedRevision) ? undefined : expectedRevision,
    };
  };
  for (let batch = 0; batch < group.batchCount; batch += 1) {
    const changeCount = view.getUint32(at);
    at += 4;
    yield Array.from({ length: changeCount }, takeChange);
  }
}
