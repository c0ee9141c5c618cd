import { MicroError } from "#base/error.ts";
import { fromBase64, toBase64 } from "#rpc/base64.ts";
import { afterSeparator, compareKeys, encodeIndexValue, isIndexValue, separator } from "./model-key.ts";

/** Values of one field. Without a bound: all. */
export interface ValueRange<V> {
  /** This value and no other; other bounds are not looked at. */
  readonly equals?: V;
  /** This value and greater ones. */
  readonly from?: V;
  /** Only greater ones. */
  readonly above?: V;
  /** This value and smaller ones. */
  readonly to?: V;
  /** Only smaller ones. */
  readonly below?: V;
  /** Text that begins so; other bounds are not looked at. */
  readonly startsWith?: V extends string ? string : never;
}

/** How the answer is ordered and cut. */
export interface PageOptions {
  /** @default "asc" */
  readonly order?: "asc" | "desc";
  /** At most so many records. @default 100 */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
}

/** Records by the values of one field, in its order; records of one value are in the order of their keys. */
export type ModelQuery<T, F extends keyof T> = PageOptions &
  ({ readonly by?: undefined } | { [P in F]: { readonly by: P } & ValueRange<NonNullable<T[P]>> }[F]);

/** A query whose types are forgotten. */
export type PlainQuery = PageOptions & { readonly by?: string | undefined } & {
  readonly [P in keyof ValueRange<unknown>]?: unknown;
};

/** A range of keys of the store, and when it is over. */
export interface KeyRange {
  readonly prefix: string;
  readonly after: string | undefined;
  readonly order: "asc" | "desc";
  readonly limit: number;
  /** True for a key that is beyond the range, in the order asked for. */
  isBeyond(storeKey: string): boolean;
}

export const pageCountDefault = 100;
const pageCountMax = 1_000;

/**
 * @param prefix what all keys of the index begin with
 * @throws MicroError `invalid_argument` for a bad limit, bound or cursor.
 */
export function toKeyRange(query: PlainQuery, prefix: string): KeyRange {
  const { order = "asc", limit = pageCountDefault, cursor } = query;
  if (order !== "asc" && order !== "desc") throw invalid(`order is "asc" or "desc", not "${String(order)}"`);
  if (!(Number.isSafeInteger(limit) && limit >= 1 && limit <= pageCountMax)) {
    throw invalid(`limit is a whole number from 1 to ${pageCountMax}`);
  }
  const narrow = narrowPrefix(query, prefix);
  const bounds = narrow === undefined ? boundsOf(query, prefix) : {};
  const begin = order === "asc" ? bounds.lower : bounds.upper;
  const end = order === "asc" ? bounds.upper : bounds.lower;
  return {
    prefix: narrow ?? prefix,
    after: cursor === undefined ? begin : parseCursor(cursor, narrow ?? prefix),
    order,
    limit,
    isBeyond: (storeKey) => {
      if (end === undefined) return false;
      const difference = compareKeys(storeKey, end);
      return order === "asc" ? difference > 0 : difference < 0;
    },
  };
}

/** Opaque to its reader, and fit for a URL. @param storeKey the last one that was looked at */
export function formatCursor(storeKey: string): string {
  return toBase64(new TextEncoder().encode(storeKey)).replaceAll("+", "-").replaceAll("/", "_");
}

function parseCursor(cursor: string, prefix: string): string {
  const bytes = fromBase64(cursor);
  const key = bytes === undefined ? "" : new TextDecoder().decode(bytes);
  if (key.startsWith(prefix)) return key;
  throw invalid("the cursor is not one of this query");
}

/** Where one value, or one beginning, is all that is asked for. */
function narrowPrefix({ equals, startsWith }: PlainQuery, prefix: string): string | undefined {
  if (equals !== undefined) return `${prefix}${encode(equals)}${separator}`;
  if (startsWith === undefined) return undefined;
  if (typeof startsWith === "string") return prefix + encode(startsWith);
  throw invalid("startsWith is text");
}

/** Texts between which the keys of the range are; no key of an entry is equal to one. */
function boundsOf(query: PlainQuery, prefix: string): { readonly lower?: string; readonly upper?: string } {
  const { from, above, to, below } = query;
  if (from !== undefined && above !== undefined) throw invalid("a query has `from` or `above`, not both");
  if (to !== undefined && below !== undefined) throw invalid("a query has `to` or `below`, not both");
  return {
    ...(from !== undefined && { lower: prefix + encode(from) }),
    ...(above !== undefined && { lower: prefix + encode(above) + afterSeparator }),
    ...(to !== undefined && { upper: prefix + encode(to) + afterSeparator }),
    ...(below !== undefined && { upper: prefix + encode(below) }),
  };
}

function encode(value: unknown): string {
  if (isIndexValue(value)) return encodeIndexValue(value);
  throw invalid(`a bound is text, a number, a boolean or a date, not ${value === null ? "null" : typeof value}`);
}

function invalid(detail: string): MicroError {
  return new MicroError("invalid_argument", detail, { at: "model.query" });
}
