import { MicroError } from "#base/error.ts";
import { defaultNamespace } from "#interface/auth.ts";
import type { StoreScope } from "#interface/store.ts";

/**
 * Tables of database `micro` in which the core services keep what is theirs: secrets, sources, facts about blobs. Nobody
 * reaches them through the service `store`, whatever account it has. A service cannot have one of these names, so that
 * no service's own table is among them.
 */
export const reservedTables: ReadonlySet<string> = new Set([
  "auth",
  "auth-audit",
  "backup",
  "blob",
  "blob-files",
  "blob-folder",
  "blobs",
  "broker",
  "config",
  "events",
  "registry",
  "runtime",
  "store",
]);

/** True for a table of a core service. */
export function isReservedTable({ database, table }: StoreScope): boolean {
  return database === defaultNamespace && reservedTables.has(table);
}

/** The refusal of such a table. */
export function createReservedRefusal({ database, table }: StoreScope, at: string): MicroError {
  const detail = `table ${table} of database ${database} belongs to the server: use another table`;
  return new MicroError("permission_denied", detail, { at });
}
