import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type {
  DomainEntry,
  Endpoint,
  InstanceRegistration,
  InstanceTraffic,
  RegisterOptions,
  Registry,
  RegistryEvent,
  ServiceDirectory,
  ServiceEntry,
  ServiceNode,
  WatchOptions,
} from "#interface/registry.ts";
import { checkEntry } from "./check-entry.ts";
import { InstanceGate, type HeldNode } from "./instance-gate.ts";
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
export class MemoryRegistry implements Registry, ServiceDirectory, InstanceTraffic, Stoppable {
  readonly #clock: Clock;
  /** Domain → service name → record. */
  readonly #domains = new Map<string, Map<string, ServiceRecord>>();
  /** Nodes by the runtime's instance that they belong to. */
  readonly #instances = new Map<string, Set<NodeLease>>();
  readonly #gate = new InstanceGate();
  readonly #registeredListeners = new Set<(instance: string) => void>();
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
    const content = { metadata: service.metadata, endpoints: service.endpoints };
    const nodes = service.nodes.map((node) => this.#gate.show(node));
    const [held, open] = partition(nodes, (node) => this.#gate.isClosed(node.metadata["instance"]));
    const { domain } = options;
    const known = this.#domains.get(domain)?.get(service.name)?.version(service.version);
    this.#requireRoom(held.length + open.filter((node) => known?.lease(node.id) === undefined).length);
    const { name, version } = service;
    for (const node of held) {
      this.#gate.hold(node.metadata["instance"] ?? "", { domain, name, version, node, content, expiresAtMs });
    }
    this.#placeAll({ domain, name, version, content, expiresAtMs }, open);
    for (const instance of new Set(nodes.flatMap((node) => node.metadata["instance"] ?? []))) {
      for (const listener of this.#registeredListeners) listener(instance);
    }
  }

  async deregister(service: ServiceEntry, options: { readonly domain: string }): Promise<void> {
    for (const node of service.nodes) this.#gate.drop(options.domain, service, node);
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

  registrations(instance: string): readonly InstanceRegistration[] {
    const nowMs = this.#clock.now();
    const held = this.#gate.held(instance).filter(({ expiresAtMs }) => expiresAtMs > nowMs);
    const placed = [...(this.#instances.get(instance) ?? [])].map(({ version, node }) => {
      const { domain, name } = version;
      return { domain, name, version: version.version, node };
    });
    return [...placed, ...held.map(({ domain, name, version, node }) => ({ domain, name, version, node }))];
  }

  servers({ domain, name, version }: Omit<InstanceRegistration, "node">): readonly string[] {
    const nodes = this.#domains.get(domain)?.get(name)?.version(version)?.entry.nodes ?? noNodes;
    return nodes.flatMap((node) => node.metadata["instance"] ?? []);
  }

  onRegistered(listener: (instance: string) => void): () => void {
    this.#registeredListeners.add(listener);
    return () => void this.#registeredListeners.delete(listener);
  }

  withhold(instance: string): void {
    if (this.#gate.isClosed(instance)) return;
    this.#gate.close(instance);
    const leases = [...(this.#instances.get(instance) ?? [])];
    for (const { version, node, content, expiresAtMs } of leases) {
      const { domain, name } = version;
      this.#gate.hold(instance, { domain, name, version: version.version, node, content, expiresAtMs });
    }
    this.#release(leases);
  }

  admit(instance: string, share?: number): void {
    if (!this.#gate.isClosed(instance)) {
      if (this.#gate.shareOf(instance) === share) return;
      // What callers see of its nodes changes.
      this.withhold(instance);
    }
    const nowMs = this.#clock.now();
    for (const { node, ...said } of this.#gate.open(instance, share)) {
      if (said.expiresAtMs > nowMs) this.#placeAll(said, [this.#gate.show(node)]);
    }
  }

  removeInstance(instance: string): number {
    const heldCount = this.#gate.open(instance, undefined).length;
    const leases = [...(this.#instances.get(instance) ?? [])];
    this.#release(leases);
    return heldCount + leases.length;
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

  /** Places nodes of one version together, so that it is announced once. */
  #placeAll(said: Omit<HeldNode, "node">, nodes: readonly ServiceNode[]): void {
    if (nodes.length === 0) return;
    const { domain, name, content, expiresAtMs } = said;
    const known = this.#domains.get(domain)?.get(name)?.version(said.version);
    const version = known ?? this.#record(domain, name).addVersion(said.version);
    let isChanged = false;
    for (const node of nodes) {
      const lease = { version, node, content, expiresAtMs, ticketAtMs: Infinity, isReleased: false };
      isChanged = this.#place(lease) || isChanged;
    }
    this.#schedule();
    if (isChanged) this.#announce(known === undefined ? "create" : "update", version, version);
  }

  #requireRoom(newNodeCount: number): void {
    if (this.#nodeCount + this.#gate.count + newNodeCount <= limits.registryNodeCountMax) return;
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

function partition<T>(items: readonly T[], test: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
