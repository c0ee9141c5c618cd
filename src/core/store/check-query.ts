import type { StoreQuery } from "#interface/store.ts";
import { MicroError } from "#base/error.ts";
import { checkKey, requireCount } from "./check-change.ts";

/** A query with its defaults filled in. */
export interface CheckedQuery {
  readonly prefix: string;
  readonly suffix: string;
  /** 0: all. */
  readonly limit: number;
  readonly offset: number;
  readonly order: "asc" | "desc";
  /** Begin behind this key; absent: at the beginning. */
  readonly after: { readonly text: string; readonly bytes: Uint8Array } | undefined;
}

/** Checks a query as every driver does. @throws MicroError `invalid_argument` for a bad number, order, key or text. */
export function checkQuery(query: StoreQuery = {}): CheckedQuery {
  const { prefix = "", suffix = "", limit = 0, offset = 0, order = "asc", after = "" } = query;
  requireCount("limit", limit);
  requireCount("offset", offset);
  if (!prefix.isWellFormed() || !suffix.isWellFormed()) {
    throw new MicroError("invalid_argument", "prefix and suffix must be well-formed Unicode text");
  }
  if (order !== "asc" && order !== "desc") {
    throw new MicroError("invalid_argument", `order is asc or desc, not "${String(order).slice(0, 40)}"`);
  }
  // An empty key is before all keys and begins nothing, so that a caller may pass what it has.
  const behind = after === "" ? undefined : { text: after, bytes: checkKey(after) };
  return { prefix, suffix, limit, offset, order, after: behind };
}
