import { MicroError } from "#base/error.ts";
import { limits, MiB } from "#base/limits.ts";
import { requireName } from "#base/name.ts";
import { defaultNamespace } from "#interface/auth.ts";
import type { CreateServiceOptions, ResourceLimits, ServiceKey } from "#interface/runtime.ts";

/** @throws MicroError `invalid_argument` for a name that no service may have. */
export function checkServiceKey(key: ServiceKey, reservedNames: ReadonlySet<string> | undefined): void {
  requireName("namespace", key.namespace);
  requireName("service", key.name);
  requireName("version", key.version);
  if (key.namespace !== defaultNamespace || reservedNames?.has(key.name) !== true) return;
  throw new MicroError("invalid_argument", `${key.name} is a core service; choose another name with --name`);
}

/** The options, with what takes back what was said left out. @throws MicroError `invalid_argument`. */
export function checkCreateOptions(options: CreateServiceOptions): CreateServiceOptions {
  const { instances = 0, resources, runner = "", ...rest } = options;
  const kept = { ...rest, ...(runner === "" ? {} : { runner }), ...checkResources(resources) };
  if (instances === 0) return kept;
  if (!Number.isInteger(instances) || instances < 1 || instances > limits.instancesPerServiceMax) {
    const detail = `instances must be a whole number from 1 to ${limits.instancesPerServiceMax}`;
    throw new MicroError("invalid_argument", detail);
  }
  return { ...kept, instances };
}

/** What is said now goes before what was said; limits one by one. */
export function mergeOptions(said: CreateServiceOptions, now: CreateServiceOptions): CreateServiceOptions {
  const resources = { ...said.resources, ...now.resources };
  return { ...said, ...now, ...(Object.keys(resources).length === 0 ? {} : { resources }) };
}

/** A process of ours does not start in less. */
const memoryBytesMin = 4 * MiB;

function checkResources(resources: ResourceLimits = {}): Pick<CreateServiceOptions, "resources"> {
  const said = Object.entries(resources).filter(([, value]) => value !== 0);
  const { memoryBytes = memoryBytesMin, cpuCores = 1 } = Object.fromEntries(said) as ResourceLimits;
  if (!Number.isInteger(memoryBytes) || memoryBytes < memoryBytesMin) {
    throw new MicroError("invalid_argument", "the limit of memory must be 4 MiB or more");
  }
  if (!(cpuCores > 0) || !Number.isFinite(cpuCores)) {
    throw new MicroError("invalid_argument", "the limit of CPU must be a number of cores above 0");
  }
  return said.length === 0 ? {} : { resources: Object.fromEntries(said) };
}
