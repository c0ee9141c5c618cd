import type { ServiceKey } from "#interface/runtime.ts";

/** `namespace/name:version`, for notes and logs. */
export function labelOf({ namespace, name, version }: ServiceKey): string {
  return `${namespace}/${name}:${version}`;
}

/** The same the other way; undefined for another text. */
export function parseLabel(label: string): ServiceKey | undefined {
  const [, namespace, name, version] = /^([^/]+)\/([^:]+):(.+)$/.exec(label) ?? [];
  if (namespace === undefined || name === undefined || version === undefined) return undefined;
  return { namespace, name, version };
}
