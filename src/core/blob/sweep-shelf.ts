import type { Store } from "#interface/store.ts";
import { contentScope } from "./blob-record.ts";
import type { ContentFolder } from "./content-folder.ts";
import type { Removals } from "./removals.ts";

export interface SweepDeps {
  readonly contents: ContentFolder;
  readonly store: Store;
  /** Contents in their place whose record is on its way. */
  readonly unrecorded: ReadonlySet<string>;
  readonly removals: Removals;
}

/** Removes the contents of a shelf that no record names. Blobs may be written and deleted meanwhile. */
export async function sweepShelf({ contents, store, unrecorded, removals }: SweepDeps, shelf: string): Promise<void> {
  const ids = await contents.ids(shelf);
  if (ids.length === 0) return;
  // Taken before the names are read: what is recorded in between is among the names.
  const coming = new Set(unrecorded);
  const named = new Set(await store.keys(contentScope, { prefix: shelf }));
  for (const id of ids) if (!named.has(id) && !coming.has(id)) await removals.remove(id);
}
