import type { InstanceRegistration, InstanceTraffic, ServiceNode } from "#interface/registry.ts";

/** Which instance is registered, as what and where; and a wait for one that is not yet. */
export class InstanceNodes {
  readonly #traffic: InstanceTraffic;
  readonly #waiting = new Map<string, () => void>();
  readonly #unsubscribe: () => void;

  constructor(traffic: InstanceTraffic) {
    this.#traffic = traffic;
    this.#unsubscribe = traffic.onRegistered((instance) => this.#waiting.get(instance)?.());
  }

  stop(): void {
    this.#unsubscribe();
  }

  has(instance: string): boolean {
    return this.of(instance).length > 0;
  }

  /** Everything that an instance serves, whether callers are let to it or not; empty while it is not registered. */
  of(instance: string): readonly InstanceRegistration[] {
    return this.#traffic.registrations(instance);
  }

  /** The instances that serve this version of a service. */
  servers(version: Omit<InstanceRegistration, "node">): readonly string[] {
    return this.#traffic.servers(version);
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
}
