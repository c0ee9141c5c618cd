import type { Clock } from "#base/clock.ts";
import { limits } from "#base/limits.ts";
import type { AuditEntry } from "#interface/audit.ts";
import type { Store, StoreChange } from "#interface/store.ts";
import { auditScope, toValue } from "./auth-records.ts";

/** An entry with its place. */
export interface PlacedEntry {
  readonly key: string;
  readonly entry: AuditEntry;
  /** False for one that was given to be written before. */
  readonly isNew: boolean;
}

/** One kind of entries in the order of time; holds so many, and the oldest go. */
export class AuditDrawer {
  readonly prefix: string;
  readonly #deps: { readonly store: Store; readonly clock: Clock };
  readonly #countMax: number;
  /** Keys from the oldest on, read when the first is added. */
  #keys: Promise<string[]> | undefined;
  #count = 0;
  #lastMs = 0;

  constructor(
    deps: { readonly store: Store; readonly clock: Clock },
    { prefix, countMax }: { readonly prefix: string; readonly countMax: number },
  ) {
    this.#deps = deps;
    this.prefix = prefix;
    this.#countMax = countMax;
  }

  /** A place behind all that this process gave before, also when the clock was set back. */
  newKey(nowMs: number): string {
    this.#count = nowMs > this.#lastMs ? 0 : this.#count + 1;
    this.#lastMs = Math.max(nowMs, this.#lastMs);
    return `${this.prefix}${String(this.#lastMs).padStart(15, "0")}-${String(this.#count).padStart(6, "0")}`;
  }

  /** Writes entries, those that are there already again. @throws MicroError `unavailable`. */
  async write(entries: readonly PlacedEntry[]): Promise<void> {
    this.#keys ??= this.#readKeys();
    const keys = await this.#keys.catch((reason: unknown) => {
      this.#keys = undefined;
      throw reason;
    });
    for (const { key, isNew } of entries) if (isNew) keys.push(key);
    const expiresAtMs = this.#deps.clock.now() + limits.auditAgeMs;
    const changes = entries.map(({ key, entry }): StoreChange => {
      return { kind: "put", scope: auditScope, key, value: toValue(entry), expiresAtMs };
    });
    const excess = Math.min(keys.length - this.#countMax, limits.storeBatchCountMax - changes.length);
    const removed = excess > 0 ? keys.splice(0, excess) : [];
    const removals = removed.map((key): StoreChange => ({ kind: "delete", scope: auditScope, key }));
    await this.#deps.store.write([...changes, ...removals]);
  }

  async #readKeys(): Promise<string[]> {
    return [...(await this.#deps.store.keys(auditScope, { prefix: this.prefix }))];
  }
}
