import { createHash } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/logger.ts";
import type { ServiceKey } from "#interface/runtime.ts";
import { ServiceLog } from "./service-log.ts";

export interface ServiceLogsDeps {
  readonly logsFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One log for each version of each service of each namespace. */
export class ServiceLogs {
  readonly #deps: ServiceLogsDeps;
  readonly #logs = new Map<string, ServiceLog>();

  constructor(deps: ServiceLogsDeps) {
    this.#deps = deps;
  }

  for(key: ServiceKey): ServiceLog {
    const path = `${this.#deps.logsFolder}/${key.namespace}/${logFileName(key)}`;
    const log = this.#logs.get(path) ?? new ServiceLog({ path, clock: this.#deps.clock, logger: this.#deps.logger });
    this.#logs.set(path, log);
    return log;
  }

  /** The service is gone for good, and its log with it. */
  async remove(key: ServiceKey): Promise<void> {
    const log = this.for(key);
    await log.remove();
    this.#logs.delete(`${this.#deps.logsFolder}/${key.namespace}/${logFileName(key)}`);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#logs.values()].map((log) => log.close()));
  }
}

/** `greeter.log` for the version that people mean when they name none, `greeter@1.0.0.log` for others. */
export function logFileName({ name, version }: ServiceKey): string {
  if (version === "latest") return `${name}.log`;
  // A version may hold "/" and be long; a file name may not.
  const escaped = encodeURIComponent(version);
  const short = escaped.length <= 100 ? escaped : createHash("sha256").update(version).digest("hex");
  return `${name}@${short}.log`;
}
