import type { Endpoint, ServiceEntry, ServiceNode } from "#interface/registry.ts";
import { VersionRecord } from "./version-record.ts";

/** A service in one domain: its versions, and the answers that edges read on every request. */
export class ServiceRecord {
  readonly #domain: string;
  readonly #name: string;
  readonly #versions = new Map<string, VersionRecord>();
  #nodes: readonly ServiceNode[] | undefined;
  #entries: readonly ServiceEntry[] | undefined;
  #endpoints: ReadonlyMap<string, Endpoint> | undefined;

  constructor(domain: string, name: string) {
    this.#domain = domain;
    this.#name = name;
  }

  get isEmpty(): boolean {
    return this.#versions.size === 0;
  }

  /** Ordered by version. */
  get entries(): readonly ServiceEntry[] {
    this.#entries ??= this.#ordered().map((version) => version.entry);
    return this.#entries;
  }

  get nodes(): readonly ServiceNode[] {
    this.#nodes ??= this.entries.flatMap((entry) => entry.nodes);
    return this.#nodes;
  }

  endpoint(name: string): Endpoint | undefined {
    return this.#byName.get(name);
  }

  get hasEndpoints(): boolean {
    return this.#byName.size > 0;
  }

  version(version: string): VersionRecord | undefined {
    return this.#versions.get(version);
  }

  addVersion(version: string): VersionRecord {
    const record = new VersionRecord(this.#domain, this.#name, version);
    this.#versions.set(version, record);
    return record;
  }

  removeVersion(version: string): void {
    this.#versions.delete(version);
  }

  /** Call after any change below: what was handed out stays, what is asked next is built anew. */
  noteChanged(): void {
    this.#nodes = undefined;
    this.#entries = undefined;
    this.#endpoints = undefined;
  }

  get #byName(): ReadonlyMap<string, Endpoint> {
    this.#endpoints ??= this.#collectEndpoints();
    return this.#endpoints;
  }

  #ordered(): VersionRecord[] {
    const names = [...this.#versions.keys()].sort();
    return names.flatMap((name) => this.#versions.get(name) ?? []);
  }

  #collectEndpoints(): ReadonlyMap<string, Endpoint> {
    const found = new Map<string, Endpoint>();
    for (const entry of this.entries) {
      for (const endpoint of entry.endpoints) {
        if (!found.has(endpoint.name) || endpoint.metadata["stream"] === "true") found.set(endpoint.name, endpoint);
      }
    }
    return found;
  }
}
