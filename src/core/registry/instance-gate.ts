import { shareKey, type InstanceRegistration, type ServiceEntry, type ServiceNode } from "#interface/registry.ts";
import type { VersionContent } from "./node-lease.ts";

/** What a withheld instance said, to be placed when it is admitted. */
export interface HeldNode extends InstanceRegistration {
  readonly content: VersionContent;
  readonly expiresAtMs: number;
}

/** Which instances of the runtime take calls, and what those who may not have registered meanwhile. */
export class InstanceGate {
  /** Instance → what it registered, by version of a service and node. */
  readonly #held = new Map<string, Map<string, HeldNode>>();
  /** Percent of the calls, of instances that get a share. */
  readonly #shares = new Map<string, number>();
  #count = 0;

  /** Nodes that are held. */
  get count(): number {
    return this.#count;
  }

  close(instance: string): void {
    if (!this.#held.has(instance)) this.#held.set(instance, new Map());
  }

  isClosed(instance: string | undefined): instance is string {
    return instance !== undefined && this.#held.has(instance);
  }

  shareOf(instance: string): number | undefined {
    return this.#shares.get(instance);
  }

  /** Opens it, and returns what was held. */
  open(instance: string, share: number | undefined): readonly HeldNode[] {
    const held = this.held(instance);
    this.#count -= held.length;
    this.#held.delete(instance);
    if (share === undefined) this.#shares.delete(instance);
    else this.#shares.set(instance, share);
    return held;
  }

  /** Keeps what a closed instance registers. */
  hold(instance: string, node: HeldNode): void {
    const held = this.#held.get(instance);
    const key = keyOf(node, node.node);
    if (held === undefined) return;
    if (!held.has(key)) this.#count += 1;
    held.set(key, node);
  }

  held(instance: string): readonly HeldNode[] {
    return [...(this.#held.get(instance)?.values() ?? [])];
  }

  /** A node leaves by itself; whose it is need not be known. */
  drop(domain: string, { name, version }: ServiceEntry, node: ServiceNode): void {
    const key = keyOf({ domain, name, version }, node);
    for (const held of this.#held.values()) if (held.delete(key)) this.#count -= 1;
  }

  /** The node as others see it: its share is what the runtime says, whatever the service says of itself. */
  show(node: ServiceNode): ServiceNode {
    const share = this.#shares.get(node.metadata["instance"] ?? "");
    const said = node.metadata[shareKey];
    if (share === undefined && said === undefined) return node;
    const { [shareKey]: _said, ...metadata } = node.metadata;
    return { ...node, metadata: share === undefined ? metadata : { ...metadata, [shareKey]: String(share) } };
  }
}

/** No name or version can hold a slash. */
function keyOf({ domain, name, version }: Omit<InstanceRegistration, "node">, node: ServiceNode): string {
  return `${domain}/${name}/${version}/${node.id}`;
}
