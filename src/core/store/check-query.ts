import type { StoreQuery } from "#interface/store.ts";
import { MicroError } from "#base/error.ts";
import { requireCount } from "./check-change.ts";

/** A query with its defaults filled in. */
export interface CheckedQuery {
  readonly prefix: string;
  readonly suffix: string;
  /** 0: all. */
  readonly limit: number;
  readonly offset: number;
  readonly order: "asc" | "desc";
}

/** Checks a query as every driver does. @throws MicroError `invalid_argument` for a negative or broken number. */
export function checkQuery(query: StoreQuery = {}): CheckedQuery {
  const { prefix = "", suffix = "", limit = 0, offset = 0, order = "asc" } = query;
  requireCount("limit", limit);
  requireCount("offset", offset);
  if (!prefix.isWellFormed() || !suffix.isWellFormed()) {
    throw new MicroError("invalid_argument", "prefix and suffix must be well-formed Unicode text");
  }
  return { prefix, suffix, limit, offset, order };
}
