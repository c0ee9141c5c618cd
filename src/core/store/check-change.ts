import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { requireName } from "#base/name.ts";
import type { StoreChange, StoreScope } from "#interface/store.ts";

/** A change that passed the checks, in the bytes that drivers keep. */
export interface CheckedChange {
  readonly kind: StoreChange["kind"];
  readonly scope: StoreScope;
  readonly keyText: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** JSON object in UTF-8; empty when there is no metadata. */
  readonly metadata: Uint8Array;
  readonly expiresAtMs: number | undefined;
  readonly expectedRevision: number | undefined;
}

const nothing = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * Checks a batch as every driver does.
 *
 * @throws MicroError `invalid_argument` for an empty batch, one that names a record twice, a bad name, key, expiry or
 * revision; `payload_too_large` above the limits.
 */
export function checkChanges(changes: readonly StoreChange[]): readonly CheckedChange[] {
  if (changes.length === 0) throw new MicroError("invalid_argument", "a write needs at least one change");
  if (changes.length > limits.storeBatchCountMax) {
    throw new MicroError("payload_too_large", `a write takes at most ${limits.storeBatchCountMax} changes`);
  }
  const checked = changes.map(checkChange);
  if (checked.length > 1) assertDistinct(checked);
  if (sizeOf(checked) > limits.storeBatchBytesMax) {
    throw new MicroError("payload_too_large", `a write takes at most ${limits.storeBatchBytesMax} bytes`);
  }
  return checked;
}

/** Bytes of a batch in memory and on disk, roughly. */
export function sizeOf(changes: readonly CheckedChange[]): number {
  let bytes = 0;
  for (const change of changes) bytes += change.key.length + change.value.length + change.metadata.length;
  return bytes;
}

/** The scope itself. @throws MicroError `invalid_argument` for a bad name. */
export function checkScope(scope: StoreScope): StoreScope {
  requireName("database", scope.database);
  requireName("table", scope.table);
  return scope;
}

/** The UTF-8 of a key. @throws MicroError `invalid_argument` for an empty or broken one, `payload_too_large` for a long one. */
export function checkKey(key: string): Uint8Array {
  if (key === "") throw new MicroError("invalid_argument", "key is missing");
  // Half a surrogate pair has no UTF-8: two such keys would become the same one.
  if (!key.isWellFormed()) throw new MicroError("invalid_argument", "a key must be well-formed Unicode text");
  const bytes = encoder.encode(key);
  if (bytes.length <= limits.storeKeyBytesMax) return bytes;
  throw new MicroError(
    "payload_too_large",
    `a key is at most ${limits.storeKeyBytesMax} bytes, this has ${bytes.length}`,
  );
}

function checkChange(change: StoreChange): CheckedChange {
  const scope = checkScope(change.scope);
  const key = checkKey(change.key);
  const { expectedRevision } = change;
  if (expectedRevision !== undefined) requireCount("expected revision", expectedRevision);
  const { kind, key: keyText } = change;
  if (change.kind !== "put") {
    return { kind, scope, keyText, key, value: nothing, metadata: nothing, expiresAtMs: undefined, expectedRevision };
  }
  if (change.expiresAtMs !== undefined) requireCount("expiry", change.expiresAtMs);
  if (change.value.length > limits.storeValueBytesMax) {
    throw new MicroError(
      "payload_too_large",
      `a value is at most ${limits.storeValueBytesMax} bytes, this has ${change.value.length}: keep it as a blob`,
    );
  }
  const metadata = encodeMetadata(change.metadata);
  const { value, expiresAtMs } = change;
  return { kind, scope, keyText, key, value, metadata, expiresAtMs, expectedRevision };
}

function encodeMetadata(metadata: Readonly<Record<string, string>> | undefined): Uint8Array {
  if (metadata === undefined) return nothing;
  const text = JSON.stringify(metadata);
  if (text === "{}") return nothing;
  const bytes = encoder.encode(text);
  if (bytes.length <= limits.storeMetadataBytesMax) return bytes;
  throw new MicroError("payload_too_large", `metadata of a record is at most ${limits.storeMetadataBytesMax} bytes`);
}

/** @throws MicroError `invalid_argument` for anything but a whole number from 0 up. */
export function requireCount(what: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new MicroError("invalid_argument", `${what} must be a whole number from 0 up, not ${value}`);
}

function assertDistinct(changes: readonly CheckedChange[]): void {
  const seen = new Set<string>();
  for (const { scope, keyText } of changes) {
    const name = `${scope.database}/${scope.table}/${keyText}`;
    if (seen.has(name)) throw new MicroError("invalid_argument", `a write names record "${keyText}" twice`);
    seen.add(name);
  }
}
