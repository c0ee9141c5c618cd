import { MicroError } from "#base/error.ts";
import type { ListOptions, ReadRequest, Record as WireRecord } from "#gen/store/store_pb.ts";
import { defaultNamespace } from "#interface/auth.ts";
import type { StoreChange, StoreQuery, StoreRecord, StoreScope } from "#interface/store.ts";
import { toFields, toMetadata } from "./field-metadata.ts";

const defaultTable = "micro";

/** Where a request works. What it leaves open is `micro`. */
export function toScope(options: { readonly database: string; readonly table: string } | undefined): StoreScope {
  return { database: toDatabase(options?.database), table: options?.table || defaultTable };
}

/** The database itself; empty is `micro`. */
export function toDatabase(database: string | undefined): string {
  return database || defaultNamespace;
}

/** What a read looks for: one key, or all that match. @throws MicroError `invalid_argument` for a query that is none. */
export function toSearch({ key, options }: ReadRequest): { readonly key: string } | { readonly query: StoreQuery } {
  if (options === undefined) return { key };
  const { prefix: isPrefix, suffix: isSuffix, endsWith } = options;
  if (isSuffix && endsWith !== "") {
    throw new MicroError(
      "invalid_argument",
      "options.suffix and options.ends_with both name an ending: use one of them",
    );
  }
  if (!isPrefix && !isSuffix && endsWith === "") return { key };
  const prefix = isPrefix || !isSuffix ? key : "";
  return { query: toQuery({ ...options, prefix, suffix: isSuffix ? key : endsWith }) };
}

/** @throws MicroError `invalid_argument` for an unknown order. */
export function toQuery(options: Omit<ListOptions, "$typeName" | "database" | "table">): StoreQuery {
  const { prefix, suffix, limit, offset, after } = options;
  return { prefix, suffix, limit: toCount(limit), offset: toCount(offset), order: toOrder(options.order), after };
}

function toOrder(order: string): "asc" | "desc" {
  if (order === "" || order === "asc") return "asc";
  if (order === "desc") return "desc";
  throw new MicroError("invalid_argument", `order is asc or desc, not "${order.slice(0, 40)}"`);
}

/** More than can be counted is as good as all. */
function toCount(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

/**
 * A record of the wire as a change.
 *
 * @throws MicroError `invalid_argument` without a record, and for a negative or endless expiry.
 */
export function toPut(
  record: WireRecord | undefined,
  target: { readonly scope: StoreScope; readonly expectedRevision: bigint | undefined },
  nowMs: number,
): StoreChange {
  if (record === undefined) throw new MicroError("invalid_argument", "record is missing");
  const { key, value, metadata } = record;
  const expiresAtMs = toExpiry(record, nowMs);
  return {
    kind: "put",
    scope: target.scope,
    key,
    value,
    metadata: toMetadata(metadata),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...toExpected(target.expectedRevision),
  };
}

/** The condition of a change, where there is one. */
export function toExpected(revision: bigint | undefined): { readonly expectedRevision?: number } {
  return revision === undefined ? {} : { expectedRevision: Number(revision) };
}

/** Where dates end, in 270,000 years: who says more has mistaken the unit. */
const expiryMsMax = 8_640_000_000_000_000n;

function toExpiry({ expiry, expiryMs, expiresAtMs }: WireRecord, nowMs: number): number | undefined {
  for (const [name, value, unitMs] of [
    ["expires_at_ms", expiresAtMs, 1n],
    ["expiry_ms", expiryMs, 1n],
    ["expiry", expiry, 1_000n],
  ] as const) {
    if (value >= 0n && value * unitMs < expiryMsMax) continue;
    const right =
      name === "expires_at_ms" ? "a time in milliseconds since 1970" : "the time that is left; 0 is for ever";
    throw new MicroError("invalid_argument", `record.${name} is ${value}: say ${right}`);
  }
  // The moment itself may have passed: then the record is written as one that has ended.
  if (expiresAtMs > 0n) return Number(expiresAtMs);
  const remainingMs = expiryMs > 0n ? Number(expiryMs) : Number(expiry) * 1_000;
  return remainingMs === 0 ? undefined : nowMs + remainingMs;
}

/** A record for the wire, with what is left of its life now: a whole message, so that nothing has to be filled in. */
export function fromRecord({ key, value, metadata, revision, expiresAtMs }: StoreRecord, nowMs: number): WireRecord {
  return {
    $typeName: "store.Record",
    key,
    value,
    metadata: toFields(metadata),
    revision: BigInt(revision),
    ...(expiresAtMs === undefined ? forEver : fromExpiry(expiresAtMs, nowMs)),
  };
}

type Expiry = Pick<WireRecord, "expiry" | "expiryMs" | "expiresAtMs">;

const forEver: Expiry = Object.freeze({ expiry: 0n, expiryMs: 0n, expiresAtMs: 0n });

/** Whole seconds cannot say less than one, and 0 would say for ever. */
function fromExpiry(expiresAtMs: number, nowMs: number): Expiry {
  const remainingMs = Math.max(1, expiresAtMs - nowMs);
  return {
    expiry: BigInt(Math.max(1, Math.floor(remainingMs / 1_000))),
    expiryMs: BigInt(remainingMs),
    expiresAtMs: BigInt(expiresAtMs),
  };
}
