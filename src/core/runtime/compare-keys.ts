import type { ServiceKey } from "#interface/runtime.ts";

/** Orders services by name, version and namespace, bytewise: their characters are ASCII. For `sort()`. */
export function compareKeys(a: ServiceKey, b: ServiceKey): number {
  return compare(a.name, b.name) || compare(a.version, b.version) || compare(a.namespace, b.namespace);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
