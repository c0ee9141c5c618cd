import { createHash } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { repeat, type Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import type { ServiceKey } from "#interface/runtime.ts";
import type { LogRetention } from "./log-file.ts";
import { ServiceLog } from "./service-log.ts";

export interface ServiceLogsDeps {
  readonly logsFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One log for each version of each service of each namespace. */
export class ServiceLogs {
  readonly #deps: ServiceLogsDeps;
  readonly #retention: LogRetention;
  readonly #logs = new Map<string, ServiceLog>();
  readonly #removing: Stoppable;

  /** @param retention of each log. */
  constructor(deps: ServiceLogsDeps, retention: LogRetention = {}) {
    this.#deps = deps;
    this.#retention = retention;
    const onError = (error: Error): void => deps.logger.warn("old logs could not be removed", { error });
    this.#removing = repeat({ intervalMs: limits.logAgeIntervalMs, onError }, () => this.#removeOld());
  }

  for(key: ServiceKey): ServiceLog {
    const path = this.#pathOf(key);
    const { clock, logger } = this.#deps;
    const log = this.#logs.get(path) ?? new ServiceLog({ path, clock, logger }, this.#retention);
    this.#logs.set(path, log);
    return log;
  }

  /** The service is gone for good, and its log with it. */
  async remove(key: ServiceKey): Promise<void> {
    await this.for(key).remove();
    this.#logs.delete(this.#pathOf(key));
  }

  async close(): Promise<void> {
    await this.#removing.stop();
    await Promise.all([...this.#logs.values()].map((log) => log.close()));
  }

  async #removeOld(): Promise<void> {
    for (const log of this.#logs.values()) await log.removeOld();
  }

  #pathOf(key: ServiceKey): string {
    return `${this.#deps.logsFolder}/${key.namespace}/${logFileName(key)}`;
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
