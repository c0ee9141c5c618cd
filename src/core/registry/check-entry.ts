import { MicroError } from "#base/error.ts";
import { requireName } from "#base/name.ts";
import type { RegisterOptions, ServiceEntry } from "#interface/registry.ts";

/**
 * Checks what somebody wants to register.
 *
 * @throws MicroError `invalid_argument` that names what is missing or wrong.
 */
export function checkEntry(service: ServiceEntry, options: RegisterOptions): void {
  requireName("service", service.name);
  requireName("version", service.version);
  requireName("namespace", options.domain);
  if (service.nodes.length === 0) {
    throw new MicroError("invalid_argument", `service ${service.name} names no node; where does it run?`);
  }
  for (const node of service.nodes) {
    if (node.id === "") throw new MicroError("invalid_argument", `a node of service ${service.name} has no id`);
    if (node.address === "") throw new MicroError("invalid_argument", `node ${node.id} has no address`);
  }
  const { ttlMs } = options;
  if (ttlMs !== undefined && !(ttlMs >= 0)) {
    throw new MicroError("invalid_argument", `a lifetime of ${ttlMs} ms is not one; use 0 for ever, or more`);
  }
}
