import type {
  DomainEntry,
  Endpoint,
  RegistryEvent,
  ServiceDirectory,
  ServiceEntry,
  ServiceNode,
} from "#interface/registry.ts";

/** The versions of one service in one domain, and what is asked of them on every request. */
interface MirroredService {
  readonly entries: readonly ServiceEntry[];
  readonly nodes: readonly ServiceNode[];
  readonly endpoints: ReadonlyMap<string, Endpoint>;
}

const noNodes: readonly ServiceNode[] = Object.freeze([]);

/** The registry of another process, as its events tell it. */
export class MirrorDirectory implements ServiceDirectory {
  /** Domain → service → what is known of it. */
  #domains = new Map<string, Map<string, MirroredService>>();

  /** Takes in what has changed. */
  apply(event: RegistryEvent): void {
    if (event.action === "snapshot") return this.#replace(event.services);
    const { domain, service } = event;
    const before = this.#domains.get(domain)?.get(service.name)?.entries ?? [];
    const others = before.filter(({ version }) => version !== service.version);
    this.#set(domain, service.name, event.action === "delete" ? others : [...others, service]);
  }

  nodes(service: string, namespace: string): readonly ServiceNode[] {
    return this.#domains.get(namespace)?.get(service)?.nodes ?? noNodes;
  }

  endpoint(service: string, namespace: string, endpoint: string): Endpoint | undefined {
    return this.#domains.get(namespace)?.get(service)?.endpoints.get(endpoint);
  }

  services(namespace: string): readonly ServiceEntry[] {
    const services = this.#domains.get(namespace);
    return [...(services?.keys() ?? [])].sort().flatMap((name) => services?.get(name)?.entries ?? []);
  }

  /** Every version of one service, ordered by version. */
  entries(service: string, namespace: string): readonly ServiceEntry[] {
    return this.#domains.get(namespace)?.get(service)?.entries ?? [];
  }

  hasEndpoints(service: string, namespace: string): boolean {
    return (this.#domains.get(namespace)?.get(service)?.endpoints.size ?? 0) > 0;
  }

  #replace(entries: readonly DomainEntry[]): void {
    this.#domains = new Map();
    for (const [domain, own] of Map.groupBy(entries, (each) => each.domain)) {
      for (const [name, versions] of Map.groupBy(own, ({ service }) => service.name)) {
        this.#set(
          domain,
          name,
          versions.map(({ service }) => service),
        );
      }
    }
  }

  #set(domain: string, name: string, entries: readonly ServiceEntry[]): void {
    const services = this.#domains.get(domain) ?? new Map<string, MirroredService>();
    if (entries.length === 0) services.delete(name);
    else services.set(name, toMirrored(entries));
    if (services.size === 0) this.#domains.delete(domain);
    else this.#domains.set(domain, services);
  }
}

function toMirrored(entries: readonly ServiceEntry[]): MirroredService {
  const ordered = entries.toSorted((left, right) => (left.version < right.version ? -1 : 1));
  const endpoints = new Map<string, Endpoint>();
  for (const endpoint of ordered.flatMap((entry) => entry.endpoints)) {
    if (!endpoints.has(endpoint.name) || endpoint.metadata["stream"] === "true") endpoints.set(endpoint.name, endpoint);
  }
  return { entries: ordered, nodes: ordered.flatMap(({ nodes }) => nodes), endpoints };
}
