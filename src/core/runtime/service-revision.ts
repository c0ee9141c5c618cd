import { limits } from "#base/limits.ts";
import { instanceCount, type ServiceRecord, type ServiceRevision } from "./service-record.ts";

/** What of a record makes one version of what runs. */
export function toRevision(record: ServiceRecord): ServiceRevision {
  const { namespace: _namespace, name: _name, version: _version, ...others } = record;
  const { history: _history, isOnProbation: _isOnProbation, canary: _canary, error: _error, ...revision } = others;
  return revision;
}

/**
 * The record with another version in the place of its own: as many instances as now, the same history, without canary and
 * error. Whether it may be taken back is for the caller to say.
 */
export function withRevision(record: ServiceRecord, revision: ServiceRevision): ServiceRecord {
  const { namespace, name, version, history } = record;
  const count = instanceCount(record);
  const { instances: _instances, ...options } = revision.options;
  const isUsual = instanceCount({ ...revision, options }) === count;
  return {
    namespace,
    name,
    version,
    ...revision,
    options: isUsual ? options : { ...options, instances: count },
    ...(history === undefined ? {} : { history }),
  };
}

/** The history of what comes after this record: its own version first, no more than are kept. */
export function nextHistory(record: ServiceRecord): readonly ServiceRevision[] {
  return [toRevision(record), ...(record.history ?? [])].slice(0, limits.serviceHistoryCountMax);
}

/** Everything that a record may still run: its own version, those before, a canary. */
export function everyVersion(record: ServiceRecord): readonly ServiceRecord[] {
  const others = [...(record.history ?? []), ...(record.canary === undefined ? [] : [record.canary.next])];
  return [record, ...others.map((each) => withRevision(record, each))];
}

/** Processes of a canary: its share of all, and one at least. */
export function canaryCount(record: ServiceRecord): number {
  const { canary } = record;
  return canary === undefined ? 0 : Math.max(1, Math.round((instanceCount(record) * canary.percent) / 100));
}

/** How many processes of each version are declared. */
export function declaredCounts(record: ServiceRecord): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  if (record.revision !== undefined) counts.set(record.revision, instanceCount(record));
  const next = record.canary?.next.revision;
  if (next !== undefined) counts.set(next, canaryCount(record));
  return counts;
}
