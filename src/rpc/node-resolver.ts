import type { ServiceNode } from "#interface/registry.ts";

/**
 * All nodes of a service in a namespace; an empty array: no such service. Asked for every attempt of every call, so what
 * is known should be answered at once.
 */
export type NodeResolver = (
  service: string,
  namespace: string,
) => readonly ServiceNode[] | Promise<readonly ServiceNode[]>;

/** A resolver that answers one address for every service: the network or the proxy, which route by themselves. */
export function fixedNode(address: string): NodeResolver {
  const nodes: readonly ServiceNode[] = Object.freeze([{ id: address, address, metadata: {} }]);
  return () => nodes;
}
