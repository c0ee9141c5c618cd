import type { MessageInitShape } from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import type { Field, OperationSchema, Record as WireRecord } from "#gen/store/store_pb.ts";
import type { StoreRecord } from "#interface/store.ts";
import type { StoreStep, StoreValue, WriteOptions } from "./store-table.ts";

/** A record as the library sends it. @throws MicroError `invalid_argument` for what the store would take for something else. */
function toWireRecord(key: string, value: StoreValue, options: WriteOptions): WireRecord {
  const { metadata, expiresInMs, expiresAtMs } = options;
  return {
    $typeName: "store.Record",
    key: requireText("key", key),
    // A copy, because the caller may use its memory again before the record is sent.
    value: typeof value === "string" ? encoder.encode(requireText("value", value)) : value.slice(),
    metadata: metadata === undefined ? {} : toFields(metadata),
    expiry: 0n,
    expiryMs: expiresInMs === undefined ? 0n : toCount("expiresInMs", expiresInMs, 1),
    expiresAtMs: expiresAtMs === undefined ? 0n : toCount("expiresAtMs", expiresAtMs, 1),
    revision: 0n,
  };
}

/** A step of a batch as it is sent. @throws MicroError `invalid_argument` for what the store would take for something else. */
export function toOperation(step: StoreStep): MessageInitShape<typeof OperationSchema> {
  const condition = toCondition(step);
  if (step.kind === "write") {
    return { action: { case: "write", value: toWireRecord(step.key, step.value, step) }, ...condition };
  }
  return { action: { case: step.kind, value: requireText("key", step.key) }, ...condition };
}

/** The condition of a change, where there is one. @throws MicroError `invalid_argument` for a number that is no revision. */
function toCondition({ expectedRevision }: { readonly expectedRevision?: number }): {
  readonly expectedRevision?: bigint;
} {
  return expectedRevision === undefined ? {} : { expectedRevision: toCount("expectedRevision", expectedRevision) };
}

/** The number as the library takes it. @throws MicroError as `requireCount`. */
export function toCount(what: string, value: number, min = 0): bigint {
  return BigInt(requireCount(what, value, min));
}

/** The number itself. @throws MicroError `invalid_argument` for anything but a whole number from `min` up. */
export function requireCount(what: string, value: number, min = 0): number {
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new MicroError("invalid_argument", `${what} must be a whole number from ${min} up, not ${value}`);
}

/** @throws MicroError `invalid_argument` for half a surrogate pair, which would arrive as another character. */
export function requireText(what: string, text: string): string {
  if (text.isWellFormed()) return text;
  throw new MicroError("invalid_argument", `${what} must be well-formed Unicode text`);
}

/** A record as it came. */
export function fromWireRecord({ key, value, metadata, revision, expiresAtMs }: WireRecord): StoreRecord {
  const entries = Object.entries(metadata).map(([name, field]) => [name, field.value] as const);
  const record = { key, value, metadata: Object.fromEntries(entries), revision: Number(revision) };
  return expiresAtMs === 0n ? record : { ...record, expiresAtMs: Number(expiresAtMs) };
}

function toFields(metadata: Readonly<Record<string, string>>): WireRecord["metadata"] {
  const entries = Object.entries(metadata).map(([name, text]): [string, Field] => [
    requireText("metadata", name),
    { $typeName: "store.Field", type: "string", value: requireText("metadata", text) },
  ]);
  return Object.fromEntries(entries);
}

const encoder = new TextEncoder();
