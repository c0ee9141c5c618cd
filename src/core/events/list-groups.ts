import { deadLetterTopic, type GroupState } from "#interface/events.ts";
import type { EventGroup } from "./event-group.ts";
import type { EventLog, GroupKey } from "./event-log.ts";

export interface GroupSources {
  readonly log: EventLog;
  /** Groups that are in memory: they know more than the log. */
  readonly loaded: readonly EventGroup[];
}

/** All groups of a namespace or of one topic, ordered by topic, then by name. */
export function listGroups({ log, loaded }: GroupSources, namespace: string, topic?: string): GroupState[] {
  const topics = topic === undefined ? log.topics(namespace).map(({ name }) => name) : [topic];
  const states = new Map<string, GroupState>();
  for (const each of topics) {
    for (const { group, place } of log.groups({ namespace, topic: each })) {
      const key = { namespace, topic: each, group };
      states.set(idOf(key), toState(log, key, { sequence: place.floor, pending: 0, consumers: 0 }));
    }
  }
  for (const each of loaded) {
    if (each.name === undefined) continue;
    const key = { ...each.key, group: each.name };
    const { floor: sequence, pendingCount: pending, memberCount: consumers } = each;
    states.set(idOf(key), toState(log, key, { sequence, pending, consumers }));
  }
  return [...states.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, state]) => state);
}

function toState(
  log: EventLog,
  { namespace, topic, group }: GroupKey,
  known: Pick<GroupState, "sequence" | "pending" | "consumers">,
): GroupState {
  const state = log.topic({ namespace, topic });
  const behind = Math.max(known.sequence, (state?.firstSequence ?? 1) - 1);
  const lag = state === undefined || state.count === 0 ? 0 : Math.max(0, state.lastSequence - behind);
  const dead = log.topic({ namespace, topic: deadLetterTopic(topic, group) })?.count ?? 0;
  return { ...known, name: group, topic, lag, dead };
}

/** Sorts by topic, then by group: no name has a character below the one between them. */
function idOf({ topic, group }: GroupKey): string {
  return `${topic}\u0000${group}`;
}
