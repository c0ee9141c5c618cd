import type { Metadata } from "#base/metadata.ts";
import type { Endpoint, ServiceNode, Value } from "#interface/registry.ts";
import type { VersionContent } from "./node-lease.ts";

/** True when two descriptions of a version say the same; a heartbeat then changes nothing and nobody is told. */
export function isSameContent(a: VersionContent, b: VersionContent): boolean {
  return isSameMetadata(a.metadata, b.metadata) && isSameList(a.endpoints, b.endpoints, isSameEndpoint);
}

/** True when a node is where it was and says the same about itself. */
export function isSameNode(a: ServiceNode, b: ServiceNode): boolean {
  return a.id === b.id && a.address === b.address && isSameMetadata(a.metadata, b.metadata);
}

function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return (
    a.name === b.name &&
    isSameMetadata(a.metadata, b.metadata) &&
    isSameValue(a.request, b.request) &&
    isSameValue(a.response, b.response)
  );
}

function isSameValue(a: Value, b: Value): boolean {
  return a.name === b.name && a.type === b.type && isSameList(a.values, b.values, isSameValue);
}

function isSameList<T>(a: readonly T[], b: readonly T[], isSame: (a: T, b: T) => boolean): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (const [index, item] of a.entries()) {
    const other = b[index];
    if (other === undefined || !isSame(item, other)) return false;
  }
  return true;
}

function isSameMetadata(a: Metadata, b: Metadata): boolean {
  if (a === b) return true;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) if (a[key] !== b[key]) return false;
  return true;
}
