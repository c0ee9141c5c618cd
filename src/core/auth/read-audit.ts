import type { AuditEntry } from "#interface/audit.ts";
import type { Store } from "#interface/store.ts";
import { auditScope, fromValue } from "./auth-records.ts";

/** Which entries are wanted. */
export interface AuditQuery {
  readonly namespace: string;
  readonly countMax: number;
  /** Milliseconds since the epoch: nothing that ended before. */
  readonly sinceMs: number;
  /** Only what this account did or what was done to it. */
  readonly account?: string;
}

const pageCount = 500;

/** The newest entries of several drawers that fit, newest first. */
export async function readAudit(
  store: Store,
  prefixes: readonly string[],
  query: AuditQuery,
): Promise<readonly AuditEntry[]> {
  const found = await Promise.all(prefixes.map((prefix) => readNewest(store, prefix, query)));
  return found
    .flat()
    .toSorted((left, right) => right.firstMs - left.firstMs)
    .slice(0, query.countMax);
}

async function readNewest(store: Store, prefix: string, query: AuditQuery): Promise<readonly AuditEntry[]> {
  const found: AuditEntry[] = [];
  for (let after = ""; found.length < query.countMax;) {
    const from = after === "" ? {} : { after };
    const page = await store.list(auditScope, { prefix, order: "desc", limit: pageCount, ...from });
    for (const { value } of page) {
      const entry = fromValue(value) as AuditEntry;
      if (isWanted(entry, query)) found.push(entry);
    }
    const oldest = page.at(-1);
    if (oldest === undefined || page.length < pageCount) break;
    after = oldest.key;
  }
  return found.slice(0, query.countMax);
}

function isWanted({ namespace, account, subject, lastMs }: AuditEntry, query: AuditQuery): boolean {
  if (namespace !== query.namespace || lastMs < query.sinceMs) return false;
  return query.account === undefined || account?.id === query.account || subject === query.account;
}
