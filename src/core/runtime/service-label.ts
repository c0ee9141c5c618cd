import type { ServiceKey } from "#interface/runtime.ts";

/** `namespace/name:version`, for notes and logs. */
export function labelOf({ namespace, name, version }: ServiceKey): string {
  return `${namespace}/${name}:${version}`;
}
