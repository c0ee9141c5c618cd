import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { requireName } from "#base/name.ts";
import { defaultNamespace } from "#interface/auth.ts";
import type { CreateServiceOptions, ServiceKey } from "#interface/runtime.ts";

/** @throws MicroError `invalid_argument` for a name that no service may have. */
export function checkServiceKey(key: ServiceKey, reservedNames: ReadonlySet<string> | undefined): void {
  requireName("namespace", key.namespace);
  requireName("service", key.name);
  requireName("version", key.version);
  if (key.namespace !== defaultNamespace || reservedNames?.has(key.name) !== true) return;
  throw new MicroError("invalid_argument", `${key.name} is a core service; choose another name with --name`);
}

/** The options, with what does not matter left out. @throws MicroError `invalid_argument`. */
export function checkCreateOptions(options: CreateServiceOptions): CreateServiceOptions {
  const { instances = 1 } = options;
  if (!Number.isInteger(instances) || instances < 1 || instances > limits.instancesPerServiceMax) {
    const detail = `instances must be a whole number from 1 to ${limits.instancesPerServiceMax}`;
    throw new MicroError("invalid_argument", detail);
  }
  return options;
}
