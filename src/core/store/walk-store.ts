import { limits } from "#base/limits.ts";
import type { Store, StoreQuery, StoreRecord, StoreScope } from "#interface/store.ts";

export interface StoreWalk {
  readonly scope: StoreScope;
  /** Its numbers are whole and not negative. */
  readonly query: StoreQuery;
  /** Ends the walk. */
  readonly signal: AbortSignal;
}

/**
 * The keys that match, page by page. A driver reads on the thread that answers everybody, so each of its reads is short
 * and others have their turn in between: suffix and offset, which make a driver look at much that it does not return, are
 * applied here.
 *
 * What is written meanwhile may be seen or not; what is there all the time is seen once.
 *
 * @throws MicroError as `Store.keys`, and why the signal aborted.
 */
export async function* walkKeys(store: Store, walk: StoreWalk): AsyncGenerator<readonly string[], void> {
  let left = toCount(walk.query.limit);
  for await (const page of walkPages(store, walk, left)) {
    const found = page.slice(0, left);
    left -= found.length;
    yield found;
    if (left === 0) return;
  }
}

/** The records that match, as `walkKeys` finds them, one at a time, so that big values do not pile up. */
export async function* walkRecords(store: Store, walk: StoreWalk): AsyncGenerator<StoreRecord, void> {
  let left = toCount(walk.query.limit);
  for await (const page of walkPages(store, walk, left)) {
    for (const key of page) {
      const record = await store.read(walk.scope, key);
      // It may have ended since its key was read; then another takes its place.
      if (record === undefined) continue;
      yield record;
      left -= 1;
      if (left === 0) return;
    }
  }
}

/** All that match, whatever the limit, which says how many are wanted of the first page. */
async function* walkPages(store: Store, walk: StoreWalk, wanted: number): AsyncGenerator<readonly string[], void> {
  const { prefix = "", suffix = "", offset = 0, order = "asc" } = walk.query;
  const limit = suffix === "" ? Math.min(offset + wanted, limits.storePageCountMax) : limits.storePageCountMax;
  let { after = "" } = walk.query;
  let toSkip = offset;
  for (;;) {
    const page = await store.keys(walk.scope, { prefix, order, after, limit });
    const matching = suffix === "" ? page : page.filter((key) => key.endsWith(suffix));
    const found = matching.slice(toSkip);
    toSkip -= matching.length - found.length;
    if (found.length > 0) yield found;
    if (page.length < limit) return;
    after = page.at(-1) ?? "";
    await nextTurn();
    walk.signal.throwIfAborted();
  }
}

function toCount(limit = 0): number {
  return limit === 0 ? Number.POSITIVE_INFINITY : limit;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
