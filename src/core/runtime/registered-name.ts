import type { ServiceKey } from "#interface/runtime.ts";
import { labelOf } from "./service-label.ts";
import type { InstanceRegistration } from "#interface/registry.ts";
import type { InstanceNodes } from "./instance-nodes.ts";

/** Who else serves what an instance registered. */
export interface SharedRegistration extends Pick<InstanceRegistration, "name"> {
  /** Other deployments, each once. */
  readonly others: readonly ServiceKey[];
}

/**
 * The name that a process answers to: that of its deployment where it registers that among others, else the first that it
 * registers. Code names its service itself, since stubs depend on that name. Undefined when nothing is registered.
 */
export function findServiceName(
  deployment: string,
  registrations: readonly Pick<InstanceRegistration, "name">[],
): string | undefined {
  const own = registrations.find(({ name }) => name === deployment);
  return (own ?? registrations[0])?.name;
}

/** The other deployments of which processes serve the same version of a service. */
export function findSharers(
  registration: InstanceRegistration,
  deployment: ServiceKey,
  deps: {
    readonly nodes: Pick<InstanceNodes, "servers">;
    readonly deploymentOf: (instance: string) => ServiceKey | undefined;
  },
): readonly ServiceKey[] {
  const found = deps.nodes.servers(registration).flatMap((instance) => deps.deploymentOf(instance) ?? []);
  const byLabel = new Map(found.map((each) => [labelOf(each), each]));
  byLabel.delete(labelOf(deployment));
  return [...byLabel.values()];
}

/** What the log has to say about the names that a process registers: nothing where each is its deployment's alone. */
export function describeRegistrations(
  deployment: string,
  registrations: readonly SharedRegistration[],
): readonly string[] {
  return registrations.flatMap(({ name, others }) => {
    const shared = others.map((each) => `${each.name}:${each.version}`).join(" and ");
    const serve = others.length === 1 ? "serves" : "serve";
    if (shared !== "") return [`registers as ${name}, which ${shared} ${serve} too: a call reaches any of them`];
    return name === deployment ? [] : [`registers as ${name}`];
  });
}
