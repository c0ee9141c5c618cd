import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import type { Logger } from "#base/logger.ts";
import type { Registry, RegistryEvent, ServiceNode } from "#interface/registry.ts";

/** Which instance is registered, and where: followed in the registry, asked here at no cost. */
export class InstanceNodes implements Stoppable {
  readonly #registry: Pick<Registry, "watch">;
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  /** Service version → its nodes by instance. */
  readonly #versions = new Map<string, ReadonlyMap<string, ServiceNode>>();
  readonly #nodes = new Map<string, ServiceNode>();
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
    return this.#nodes.has(instance);
  }

  /** The node of an instance, as soon as it is registered; undefined when `signal` aborts before. One waits at a time. */
  async wait(instance: string, signal: AbortSignal): Promise<ServiceNode | undefined> {
    for (;;) {
      const node = this.#nodes.get(instance);
      if (node !== undefined || signal.aborted) return node;
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
      for (const version of this.#versions.keys()) this.#replace(version, []);
      for (const { domain, service } of event.services) {
        this.#replace(`${domain}/${service.name}/${service.version}`, service.nodes);
      }
      return;
    }
    const { domain, service, action } = event;
    this.#replace(`${domain}/${service.name}/${service.version}`, action === "delete" ? [] : service.nodes);
  }

  #replace(version: string, nodes: readonly ServiceNode[]): void {
    const next = new Map<string, ServiceNode>();
    for (const node of nodes) {
      const instance = node.metadata["instance"];
      if (instance !== undefined) next.set(instance, node);
    }
    for (const instance of this.#versions.get(version)?.keys() ?? []) {
      if (!next.has(instance)) this.#nodes.delete(instance);
    }
    if (next.size === 0) this.#versions.delete(version);
    else this.#versions.set(version, next);
    for (const [instance, node] of next) {
      this.#nodes.set(instance, node);
      this.#waiting.get(instance)?.();
    }
  }
}
