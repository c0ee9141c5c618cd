import type { Metadata } from "#base/metadata.ts";
import type { StoredEvent } from "#interface/events.ts";

/** Marks an event that is there for one group alone: the others pass it by. */
export const redriveGroupKey = "micro-redrive-group";

const deadPrefix = "micro-dead-";

/** True for a key that says where an event is on its way between a topic and its dead letters. */
export function isReservedKey(key: string): boolean {
  return key === redriveGroupKey || key.startsWith(deadPrefix);
}

export function withoutReservedKeys(metadata: Metadata): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !isReservedKey(key)));
}

/** An event as its receiver sees it: without the mark, so that whoever passes it on does not pass that on. */
export function withoutMark(event: StoredEvent): StoredEvent {
  if (event.metadata[redriveGroupKey] === undefined) return event;
  return { ...event, metadata: withoutReservedKeys(event.metadata) };
}
