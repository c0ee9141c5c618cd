import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { UpdateServiceOptions } from "#interface/runtime.ts";
import type { RuntimeEventSink } from "#interface/runtime-event.ts";
import { checkCreateOptions, mergeOptions } from "./check-service.ts";
import type { Deployment } from "./deployment.ts";
import type { InstanceTrouble } from "./instance.ts";
import { prepareRecord, type PrepareRecordDeps } from "./prepare-record.ts";
import type { ServiceRecord } from "./service-record.ts";
import type { ServiceRecords } from "./service-records.ts";
import { givenOptions, type SourceContent } from "./service-source.ts";
import { nextHistory, toRevision, withRevision } from "./service-revision.ts";

export interface ServiceChangesDeps {
  readonly records: Pick<ServiceRecords, "put">;
  readonly preparing: PrepareRecordDeps;
  readonly events: RuntimeEventSink;
  readonly clock: Clock;
  readonly isStopping: () => boolean;
}

/** Everything is done in its turn, and nothing new begins while the runtime stops. */
export const stoppingDetail = "the server is stopping";

/** What may be done to a declared service. Its owner lets one change at a time happen. */
export class ServiceChanges {
  readonly #deps: ServiceChangesDeps;

  constructor(deps: ServiceChangesDeps) {
    this.#deps = deps;
  }

  /** @throws MicroError as `Runtime.update` does. */
  async update(deployment: Deployment, source: string, options: UpdateServiceOptions): Promise<void> {
    const { record: old } = deployment;
    const { metadata, canaryPercent, ...given } = options;
    const { namespace, name, version } = old;
    const next = await prepareRecord(this.#deps.preparing, {
      key: { namespace, name, version },
      source,
      ...(source === "" ? { content: contentOf(old) } : {}),
      options: mergeOptions(givenOptions(old), given),
      metadata: { ...old.metadata, ...metadata },
    });
    if (canaryPercent !== undefined) return this.#startCanary(deployment, next, canaryPercent);
    const type = source === "" ? "restarted" : "updated";
    await this.#replace(deployment, deployment.hasAnswered ? this.#onProbation(old, next) : next, type);
  }

  async restart(deployment: Deployment): Promise<void> {
    const { error: _error, ...record } = deployment.record;
    const { canary } = record;
    const next = { ...record, isOnProbation: false, updatedAtMs: this.#deps.clock.now() };
    if (canary === undefined) return this.#replace(deployment, next, "restarted");
    throw new MicroError("failed_precondition", `${record.name} has a canary; promote it or roll it back first`);
  }

  async scale(deployment: Deployment, instances: number): Promise<void> {
    const { error: _error, ...record } = deployment.record;
    if (instances < 1)
      throw new MicroError("invalid_argument", "a service has one process at least; micro kill ends it");
    const next = { ...record, options: checkCreateOptions({ ...record.options, instances }) };
    try {
      await deployment.scale(next, () => this.#deps.records.put(next));
    } catch (reason) {
      throw this.#explain(record, MicroError.from(reason), "it has as many processes as before");
    }
    this.#deps.events.emit({ type: "scaled", service: next, reason: `${instances} processes` });
  }

  /** @param reason why, where nobody asked for it; kept in the record. */
  async rollback(deployment: Deployment, reason?: string): Promise<void> {
    const { record } = deployment;
    const noted = reason === undefined ? {} : { error: reason };
    if (record.canary !== undefined) {
      const { canary: _canary, ...rest } = record;
      const next = { ...rest, ...noted };
      await deployment.endCanary(next, () => this.#deps.records.put(next));
      this.#emitRollback(next, reason);
      return;
    }
    const [before, ...history] = record.history ?? [];
    if (before === undefined)
      throw new MicroError("failed_precondition", `${record.name} has no version before this one`);
    const next = { ...withRevision(record, before), ...noted, history, updatedAtMs: this.#deps.clock.now() };
    await this.#replace(deployment, next, undefined);
    this.#emitRollback(next, reason);
  }

  async promote(deployment: Deployment): Promise<void> {
    const { record } = deployment;
    const { canary } = record;
    if (canary === undefined) {
      throw new MicroError(
        "failed_precondition",
        `${record.name} has no canary; micro update --canary PERCENT starts one`,
      );
    }
    const next = this.#onProbation(record, withRevision(record, canary.next));
    await this.#replace(deployment, next, "updated", ({ revision }) => revision === canary.next.revision);
  }

  /** Whether a version that was just brought in is to be taken back, because its processes end or hang. */
  isToBeTakenBack({ record }: Deployment, revision: string, { crashCount, isHung }: InstanceTrouble): boolean {
    const { canary, isOnProbation = false, history = [] } = record;
    const isOver = (sinceMs: number): boolean => this.#deps.clock.now() - sinceMs > limits.updateProbationMs;
    if (!isHung && crashCount < limits.updateCrashCount) return false;
    if (canary?.next.revision === revision) return !isOver(canary.next.updatedAtMs);
    return record.revision === revision && isOnProbation && history.length > 0 && !isOver(record.updatedAtMs);
  }

  async #startCanary(deployment: Deployment, next: ServiceRecord, percent: number): Promise<void> {
    const { error: _error, ...record } = deployment.record;
    if (!Number.isInteger(percent) || percent < 1 || percent > 99) {
      throw new MicroError("invalid_argument", "a canary gets a whole number from 1 to 99 percent of the calls");
    }
    if (!deployment.hasAnswered) {
      throw new MicroError(
        "failed_precondition",
        `${record.name} does not run, so all calls would go to its canary; update it`,
      );
    }
    const { instances: _instances, ...options } = next.options;
    const canary = { percent, next: toRevision({ ...next, options }) };
    const declared = { ...record, canary };
    try {
      await deployment.startCanary(declared, () => this.#deps.records.put(declared));
    } catch (reason) {
      throw await this.#keepOld(deployment, MicroError.from(reason));
    }
    this.#deps.events.emit({ type: "updated", service: declared, reason: `canary with ${percent}% of the calls` });
  }

  async #replace(
    deployment: Deployment,
    next: ServiceRecord,
    type: "updated" | "restarted" | undefined,
    keeps?: Parameters<Deployment["replace"]>[2],
  ): Promise<void> {
    try {
      await deployment.replace(next, () => this.#deps.records.put(next), keeps);
    } catch (reason) {
      throw await this.#keepOld(deployment, MicroError.from(reason));
    }
    if (type !== undefined) this.#deps.events.emit({ type, service: next });
  }

  #onProbation(old: ServiceRecord, next: ServiceRecord): ServiceRecord {
    return { ...next, history: nextHistory(old), isOnProbation: true, updatedAtMs: this.#deps.clock.now() };
  }

  async #keepOld(deployment: Deployment, error: MicroError): Promise<MicroError> {
    const { record } = deployment;
    if (this.#deps.isStopping()) return this.#explain(record, error, "");
    const noted = { ...record, error: `the last update failed: ${error.detail}` };
    await this.#deps.records.put(noted);
    deployment.note(noted);
    this.#deps.events.emit({ type: "rolled_back", service: record, reason: error.detail });
    return this.#explain(record, error, "the version before stays");
  }

  #explain({ name, version }: ServiceRecord, error: MicroError, outcome: string): MicroError {
    // That the server stops is not a fault of the new version.
    if (this.#deps.isStopping()) return new MicroError("unavailable", stoppingDetail, { cause: error });
    return new MicroError(error.code, `update of ${name}:${version} failed, ${outcome}: ${error.detail}`, {
      cause: error,
    });
  }

  #emitRollback(service: ServiceRecord, reason: string | undefined): void {
    this.#deps.events.emit({ type: "rolled_back", service, ...(reason === undefined ? {} : { reason }) });
  }
}

function contentOf({ source, sha256, folder, git }: ServiceRecord): SourceContent {
  return { source, sha256, ...(folder === undefined ? {} : { folder }), ...(git === undefined ? {} : { git }) };
}
