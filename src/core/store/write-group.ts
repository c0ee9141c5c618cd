import type { CheckedChange } from "./check-change.ts";

/**
 * Batches on their way to the writer, packed into bytes. Handing them over as objects would cost more than writing them.
 *
 * A batch is its number of changes (u32) and the changes; a change is kind (u8), scope (u32, index into the scopes), the
 * lengths of key, value and metadata (u32 each), expiry and expected revision (f64 each, NaN: none), then the three.
 */
export interface PackedGroup {
  readonly batchCount: number;
  /** `[database, table]`, by scope index. */
  readonly scopes: readonly (readonly [string, string])[];
}

/** A change as the writer finds it. */
export interface PackedChange {
  readonly kind: CheckedChange["kind"];
  readonly scopeIndex: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly metadata: Uint8Array;
  readonly expiresAtMs: number | null;
  readonly expectedRevision: number | undefined;
}

/** By the number that stands for each. */
const kinds: readonly CheckedChange["kind"][] = ["check", "delete", "put"];

const headBytes = 33;
const smallestBytes = 4 * 1024;

/** Packs batches; values are copied at once, so that callers may reuse their memory. */
export class GroupPacker {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;
  #batchCount = 0;
  readonly #scopes: (readonly [string, string])[] = [];
  /** Index of the scope that was used last: writes that come together often go to one table. */
  #lastScope = -1;

  /** @param bytesExpected room made at once: moving to a bigger piece of memory costs more than asking for it. */
  constructor(bytesExpected = 0) {
    this.#bytes = new Uint8Array(Math.max(smallestBytes, bytesExpected));
    this.#view = new DataView(this.#bytes.buffer);
  }

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

  /** What was packed; nothing is added any more. */
  finish(): { readonly group: PackedGroup; readonly bytes: Uint8Array } {
    const group = { batchCount: this.#batchCount, scopes: this.#scopes };
    return { group, bytes: this.#bytes.subarray(0, this.#length) };
  }

  #addChange(change: CheckedChange): void {
    const { key, value, metadata } = change;
    this.#reserve(headBytes + key.length + value.length + metadata.length);
    const view = this.#view;
    const at = this.#length;
    view.setUint8(at, kinds.indexOf(change.kind));
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
    const isScope = (scope: readonly [string, string] | undefined): boolean =>
      scope?.[0] === database && scope[1] === table;
    if (isScope(this.#scopes[this.#lastScope])) return this.#lastScope;
    const index = this.#scopes.findIndex(isScope);
    this.#lastScope = index === -1 ? this.#scopes.push([database, table]) - 1 : index;
    return this.#lastScope;
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

/** The batches of a group, in order. The bytes of a change are views on those of the group. */
export function* unpackGroup(group: PackedGroup, bytes: Uint8Array): Generator<readonly PackedChange[], void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (byteCount: number): Uint8Array => {
    at += byteCount;
    return bytes.subarray(at - byteCount, at);
  };
  const takeChange = (): PackedChange => {
    const head = at;
    at += headBytes;
    const expiresAtMs = view.getFloat64(head + 17);
    const expectedRevision = view.getFloat64(head + 25);
    return {
      kind: kinds[view.getUint8(head)] ?? "check",
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
    const changes: PackedChange[] = [];
    while (changes.length < changeCount) changes.push(takeChange());
    yield changes;
  }
}
