import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type {
  DomainEntry,
  Endpoint,
  RegisterOptions,
  Registry,
  RegistryEvent,
  ServiceDirectory,
  ServiceEntry,
  ServiceNode,
  WatchOptions,
} from "#interface/registry.ts";
import { checkEntry } from "./check-entry.ts";
import { LeaseQueue } from "./lease-queue.ts";
import type { NodeLease } from "./node-lease.ts";
import { RegistryWatcher } from "./registry-watcher.ts";
import { ServiceRecord } from "./service-record.ts";
import type { VersionRecord } from "./version-record.ts";

/** The longest wait that a timer can hold; longer ones are taken in steps. */
const timerMsMax = 2 ** 31 - 1;
const noNodes: readonly ServiceNode[] = Object.freeze([]);
const noEntries: readonly ServiceEntry[] = Object.freeze([]);

/**
 * The registry of one installation, in memory: services announce themselves again within one heartbeat after a restart.
 *
 * It is also the directory that the edges of the same process read at every request.
 */
export class MemoryRegistry implements Registry, ServiceDirectory, Stoppable {
  readonly #clock: Clock;
  /** Domain → service name → record. */
  readonly #domains = new Map<string, Map<string, ServiceRecord>>();
  /** Nodes by the runtime's instance that they belong to. */
  readonly #instances = new Map<string, Set<NodeLease>>();
  readonly #leases = new LeaseQueue<NodeLease>();
  readonly #watchers = new Set<RegistryWatcher>();
  #nodeCount = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAtMs = Infinity;
  #isStopped = false;

  constructor(deps: { readonly clock: Clock }) {
    this.#clock = deps.clock;
  }

  /** Watchers that read now; for tests and for the status of the server. */
  get watcherCount(): number {
    return this.#watchers.size;
  }

  async register(service: ServiceEntry, options: RegisterOptions): Promise<void> {
    checkEntry(service, options);
    // Who were taken in now would not look for the server that comes next until its next beat.
    if (this.#isStopped) throw new MicroError("unavailable", "the server is stopping", { at: "registry" });
    const ttlMs = options.ttlMs ?? limits.registryTtlMs;
    const expiresAtMs = ttlMs === 0 ? Infinity : this.#clock.now() + ttlMs;
    const known = this.#domains.get(options.domain)?.get(service.name)?.version(service.version);
    this.#requireRoom(service.nodes.filter((node) => known?.lease(node.id) === undefined).length);
    const version = known ?? this.#record(options.domain, service.name).addVersion(service.version);
    const content = { metadata: service.metadata, endpoints: service.endpoints };
    let isChanged = false;
    for (const node of service.nodes) {
      isChanged =
        this.#place({ version, node, content, expiresAtMs, ticketAtMs: Infinity, isReleased: false }) || isChanged;
    }
    this.#schedule();
    if (isChanged) this.#announce(known === undefined ? "create" : "update", version, version);
  }

  async deregister(service: ServiceEntry, options: { readonly domain: string }): Promise<void> {
    const version = this.#domains.get(options.domain)?.get(service.name)?.version(service.version);
    if (version === undefined) return;
    this.#release(service.nodes.flatMap((node) => version.lease(node.id) ?? []));
  }

  async getService(name: string, options: { readonly domain: string }): Promise<readonly ServiceEntry[]> {
    return this.#domains.get(options.domain)?.get(name)?.entries ?? noEntries;
  }

  async listServices(options: { readonly domain: string }): Promise<readonly ServiceEntry[]> {
    const services = this.#domains.get(options.domain);
    if (services === undefined) return noEntries;
    return [...services.keys()].sort().flatMap((name) => services.get(name)?.entries ?? noEntries);
  }

  watch(options: WatchOptions): AsyncIterable<RegistryEvent> {
    return {
      [Symbol.asyncIterator]: () => {
        const watcher = new RegistryWatcher(options, {
          snapshot: () => this.#snapshot(options),
          onClose: (left) => this.#watchers.delete(left),
        });
        if (options.signal?.aborted !== true) this.#watchers.add(watcher);
        return watcher;
      },
    };
  }

  nodes(service: string, namespace: string): readonly ServiceNode[] {
    return this.#domains.get(namespace)?.get(service)?.nodes ?? noNodes;
  }

  endpoint(service: string, namespace: string, endpoint: string): Endpoint | undefined {
    return this.#domains.get(namespace)?.get(service)?.endpoint(endpoint);
  }

  services(namespace: string): readonly ServiceEntry[] {
    const records = this.#domains.get(namespace);
    const names = [...(records?.keys() ?? [])].sort();
    return names.flatMap((name) => records?.get(name)?.entries ?? noEntries);
  }

  hasEndpoints(service: string, namespace: string): boolean {
    return this.#domains.get(namespace)?.get(service)?.hasEndpoints === true;
  }

  /** A process is dead: its nodes leave at once. Returns how many there were. */
  removeInstance(instance: string): number {
    const leases = [...(this.#instances.get(instance) ?? [])];
    this.#release(leases);
    return leases.length;
  }

  /** Takes out the nodes that were not heard of for their lifetime. The registry does it itself when the time comes. */
  expire(): void {
    this.#release(this.#leases.takeExpired(this.#clock.now()));
    this.#schedule();
  }

  /** Ends watches, and takes nobody in any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  #requireRoom(newNodeCount: number): void {
    if (this.#nodeCount + newNodeCount <= limits.registryNodeCountMax) return;
    throw new MicroError("too_many_requests", `the registry is full: it holds ${limits.registryNodeCountMax} nodes`);
  }

  #record(domain: string, name: string): ServiceRecord {
    const services = this.#domains.get(domain) ?? new Map<string, ServiceRecord>();
    this.#domains.set(domain, services);
    const record = services.get(name) ?? new ServiceRecord(domain, name);
    services.set(name, record);
    return record;
  }

  /** Adds or renews one node; true when callers see something new. */
  #place(said: NodeLease): boolean {
    const lease = said.version.lease(said.node.id);
    if (lease === undefined) {
      said.version.add(said);
      this.#nodeCount += 1;
      this.#leases.add(said);
      this.#indexInstance(said);
      return true;
    }
    lease.expiresAtMs = said.expiresAtMs;
    this.#leases.add(lease);
    this.#unindexInstance(lease);
    const isChanged = lease.version.update(lease, said);
    this.#indexInstance(lease);
    return isChanged;
  }

  /** Takes nodes out together, so that each version is announced once. */
  #release(leases: readonly NodeLease[]): void {
    const before = new Map<VersionRecord, ServiceEntry>();
    for (const lease of leases) {
      if (lease.isReleased) continue;
      if (!before.has(lease.version)) before.set(lease.version, lease.version.entry);
      lease.version.remove(lease);
      lease.isReleased = true;
      this.#nodeCount -= 1;
      this.#leases.noteUseless();
      this.#unindexInstance(lease);
    }
    for (const [version, entry] of before) {
      if (!version.isEmpty) this.#announce("update", version, version);
      else this.#removeVersion(version, entry);
    }
  }

  #removeVersion(version: VersionRecord, before: ServiceEntry): void {
    const services = this.#domains.get(version.domain);
    const record = services?.get(version.name);
    record?.removeVersion(version.version);
    this.#announce("delete", version, { entry: before });
    if (record?.isEmpty === true) services?.delete(version.name);
    if (services?.size === 0) this.#domains.delete(version.domain);
  }

  /** @param shown holds what watchers are shown; read only when there is one. */
  #announce(action: "create" | "update" | "delete", version: VersionRecord, shown: { entry: ServiceEntry }): void {
    const { domain, name } = version;
    this.#domains.get(domain)?.get(name)?.noteChanged();
    if (this.#watchers.size === 0) return;
    const change = { action, domain, service: shown.entry, timestampMs: this.#clock.now() };
    for (const watcher of this.#watchers) watcher.offer(change);
  }

  #snapshot(options: WatchOptions): RegistryEvent {
    const services: DomainEntry[] = [];
    const domains = options.domain === undefined ? [...this.#domains.keys()].sort() : [options.domain];
    for (const domain of domains) {
      const { service: name } = options;
      const entries =
        name === undefined ? this.services(domain) : (this.#domains.get(domain)?.get(name)?.entries ?? noEntries);
      for (const service of entries) services.push({ domain, service });
    }
    return { action: "snapshot", services, timestampMs: this.#clock.now() };
  }

  #indexInstance(lease: NodeLease): void {
    const instance = lease.node.metadata["instance"];
    if (instance === undefined) return;
    const leases = this.#instances.get(instance) ?? new Set();
    leases.add(lease);
    this.#instances.set(instance, leases);
  }

  #unindexInstance(lease: NodeLease): void {
    const instance = lease.node.metadata["instance"] ?? "";
    const leases = this.#instances.get(instance);
    if (leases?.delete(lease) === true && leases.size === 0) this.#instances.delete(instance);
  }

  /** One timer for all leases, set to the end of the first. */
  #schedule(): void {
    const atMs = this.#leases.nextAtMs() ?? Infinity;
    if (atMs === this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    if (atMs === Infinity) return;
    const waitMs = Math.min(timerMsMax, Math.max(0, atMs - this.#clock.now()));
    this.#timer = setTimeout(() => {
      this.#timerAtMs = Infinity;
      this.expire();
    }, waitMs);
    this.#timer.unref();
  }
}
