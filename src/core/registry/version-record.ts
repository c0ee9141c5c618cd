import type { ServiceEntry } from "#interface/registry.ts";
import { isSameContent, isSameNode } from "./same-content.ts";
import type { NodeLease } from "./node-lease.ts";

/**
 * One version of a service: its nodes, and what the newest of them says about the version.
 *
 * While two builds of one version run side by side, as during an update, the one that spoke last for the first time
 * describes the version: plain heartbeats of the other do not turn the description back, and it returns when the newer
 * node leaves.
 */
export class VersionRecord {
  readonly domain: string;
  readonly name: string;
  readonly version: string;
  /** By node id; the last one describes the version. */
  readonly #leases = new Map<string, NodeLease>();
  #entry: ServiceEntry | undefined;

  constructor(domain: string, name: string, version: string) {
    this.domain = domain;
    this.name = name;
    this.version = version;
  }

  get isEmpty(): boolean {
    return this.#leases.size === 0;
  }

  /** The version as callers see it. The same object until something changes. */
  get entry(): ServiceEntry {
    this.#entry ??= this.#build();
    return this.#entry;
  }

  lease(nodeId: string): NodeLease | undefined {
    return this.#leases.get(nodeId);
  }

  /** Takes in a node that is not there yet. */
  add(lease: NodeLease): void {
    this.#leases.set(lease.node.id, lease);
    this.#entry = undefined;
  }

  /** Takes what a known node says now; true when callers see something new. */
  update(lease: NodeLease, said: Pick<NodeLease, "node" | "content">): boolean {
    const isNewContent = !isSameContent(lease.content, said.content);
    if (!isNewContent && isSameNode(lease.node, said.node)) return false;
    if (isNewContent) {
      this.#leases.delete(lease.node.id);
      this.#leases.set(lease.node.id, lease);
    }
    lease.node = said.node;
    lease.content = said.content;
    this.#entry = undefined;
    return true;
  }

  remove(lease: NodeLease): void {
    this.#leases.delete(lease.node.id);
    this.#entry = undefined;
  }

  #build(): ServiceEntry {
    const nodes = [];
    let content: NodeLease["content"] = { metadata: {}, endpoints: [] };
    for (const lease of this.#leases.values()) {
      nodes.push(lease.node);
      content = lease.content;
    }
    return { name: this.name, version: this.version, ...content, nodes };
  }
}
