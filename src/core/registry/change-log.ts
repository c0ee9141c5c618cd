import type { DomainEntry, RegistryEvent } from "#interface/registry.ts";

/** One change, without snapshots. */
export interface Change extends DomainEntry {
  readonly action: "create" | "update" | "delete";
  readonly timestampMs: number;
}

/**
 * Turns events into plain changes, for watchers that know no snapshots: it remembers what the watcher was told, and says
 * what has become different when a snapshot comes. The first snapshot says nothing, because changes count from there.
 */
export class ChangeLog {
  /** By domain, name and version. */
  #told: Map<string, DomainEntry> | undefined;

  next(event: RegistryEvent): readonly Change[] {
    if (event.action === "snapshot") return this.#compare(event.services, event.timestampMs);
    const { action, domain, service, timestampMs } = event;
    this.#told ??= new Map();
    if (action === "delete") this.#told.delete(keyOf(event));
    else this.#told.set(keyOf(event), { domain, service });
    return [{ action, domain, service, timestampMs }];
  }

  #compare(services: readonly DomainEntry[], timestampMs: number): readonly Change[] {
    const told = this.#told;
    this.#told = new Map(services.map((each) => [keyOf(each), each]));
    if (told === undefined) return [];
    const changes: Change[] = [];
    for (const [key, entry] of told)
      if (!this.#told.has(key)) changes.push({ action: "delete", ...entry, timestampMs });
    for (const [key, entry] of this.#told) {
      const before = told.get(key);
      if (before === undefined) changes.push({ action: "create", ...entry, timestampMs });
      else if (before.service !== entry.service) changes.push({ action: "update", ...entry, timestampMs });
    }
    return changes;
  }
}

function keyOf({ domain, service }: DomainEntry): string {
  return `${domain}\n${service.name}\n${service.version}`;
}
