import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import type { Logger } from "#base/logger.ts";
import type { Registry, RegistryEvent, ServiceEntry, ServiceNode } from "#interface/registry.ts";

/** What an instance is in the registry. */
export interface Registration {
  readonly domain: string;
  /** The name that the service gave itself, which need not be that of its deployment. */
  readonly name: string;
  readonly version: string;
  readonly node: ServiceNode;
}

/** Which instance is registered, as what and where: followed in the registry, asked here at no cost. */
export class InstanceNodes implements Stoppable {
  readonly #registry: Pick<Registry, "watch">;
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  /** Service version → the instances that serve it. */
  readonly #versions = new Map<string, ReadonlySet<string>>();
  /** Instance → what it serves, by service version: a process may register more than one service. */
  readonly #registrations = new Map<string, Map<string, Registration>>();
  readonly #waiting = new Map<string, () => void>();
  #task: Promise<void> | undefined;

  constructor(deps: { readonly registry: Pick<Registry, "watch">; readonly logger: Logger }) {
    this.#registry = deps.registry;
    this.#logger = deps.logger;
  }

  start(): void {
    this.#task ??= this.#follow();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#task;
  }

  has(instance: string): boolean {
    return this.#registrations.has(instance);
  }

  /** Everything that an instance serves, in the order in which it registered; empty while it is not registered. */
  of(instance: string): readonly Registration[] {
    return [...(this.#registrations.get(instance)?.values() ?? [])];
  }

  /** The instances that serve this version of a service. */
  servers({ domain, name, version }: Omit<Registration, "node">): readonly string[] {
    return [...(this.#versions.get(toVersionKey(domain, { name, version })) ?? [])];
  }

  /** The node of an instance, as soon as it is registered; undefined when `signal` aborts before. One waits at a time. */
  async wait(instance: string, signal: AbortSignal): Promise<ServiceNode | undefined> {
    for (;;) {
      const [registration] = this.of(instance);
      if (registration !== undefined || signal.aborted) return registration?.node;
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          this.#waiting.delete(instance);
          signal.removeEventListener("abort", finish);
          resolve();
        };
        this.#waiting.set(instance, finish);
        signal.addEventListener("abort", finish, { once: true });
      });
    }
  }

  async #follow(): Promise<void> {
    try {
      for await (const event of this.#registry.watch({ signal: this.#abort.signal })) this.#apply(event);
    } catch (reason) {
      if (!this.#abort.signal.aborted) {
        this.#logger.error("the runtime lost sight of the registry", { error: MicroError.from(reason) });
      }
    }
  }

  #apply(event: RegistryEvent): void {
    if (event.action === "snapshot") {
      for (const key of this.#versions.keys()) this.#replace(key, new Map());
      for (const { domain, service } of event.services) {
        this.#replace(toVersionKey(domain, service), toRegistrations(domain, service));
      }
      return;
    }
    const { domain, service, action } = event;
    const next = action === "delete" ? new Map<string, Registration>() : toRegistrations(domain, service);
    this.#replace(toVersionKey(domain, service), next);
  }

  /** @param next what serves this version now, by instance */
  #replace(key: string, next: ReadonlyMap<string, Registration>): void {
    for (const instance of this.#versions.get(key) ?? []) {
      if (!next.has(instance)) this.#forget(instance, key);
    }
    if (next.size === 0) this.#versions.delete(key);
    else this.#versions.set(key, new Set(next.keys()));
    for (const [instance, registration] of next) {
      const known = this.#registrations.get(instance) ?? new Map<string, Registration>();
      this.#registrations.set(instance, known.set(key, registration));
      this.#waiting.get(instance)?.();
    }
  }

  #forget(instance: string, key: string): void {
    const known = this.#registrations.get(instance);
    known?.delete(key);
    if (known?.size === 0) this.#registrations.delete(instance);
  }
}

/** No name or version can hold a slash. */
function toVersionKey(domain: string, { name, version }: Pick<ServiceEntry, "name" | "version">): string {
  return `${domain}/${name}/${version}`;
}

function toRegistrations(domain: string, { name, version, nodes }: ServiceEntry): ReadonlyMap<string, Registration> {
  const found = new Map<string, Registration>();
  for (const node of nodes) {
    const instance = node.metadata["instance"];
    if (instance !== undefined) found.set(instance, { domain, name, version, node });
  }
  return found;
}
