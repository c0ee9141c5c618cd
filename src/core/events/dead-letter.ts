import { limits } from "#base/limits.ts";
import type { Metadata } from "#base/metadata.ts";
import { deadLetterTopic, type NewEvent, type StoredEvent } from "#interface/events.ts";
import { redriveGroupKey, withoutReservedKeys } from "./reserved-metadata.ts";

const encoder = new TextEncoder();

/** Why and when an event was given up. */
export interface GivenUp {
  readonly group: string;
  readonly attempt: number;
  /** A half sentence for a person. */
  readonly reason: string;
}

/** A copy for the group's dead-letter topic, which says in its metadata where it comes from and why. */
export function toDeadLetter(event: StoredEvent, { group, attempt, reason }: GivenUp): NewEvent {
  return copy(event, deadLetterTopic(event.topic, group), {
    "micro-dead-topic": event.topic,
    "micro-dead-group": group,
    "micro-dead-sequence": String(event.sequence),
    "micro-dead-id": event.id,
    "micro-dead-attempts": String(attempt),
    "micro-dead-reason": reason,
  });
}

/** A copy of a dead letter for the topic that it came from, for this group alone. */
export function toRedriven(
  event: StoredEvent,
  { topic, group }: { readonly topic: string; readonly group: string },
): NewEvent {
  return copy(event, topic, { [redriveGroupKey]: group });
}

function copy(event: StoredEvent, topic: string, added: Metadata): NewEvent {
  const { payload, timestampMs } = event;
  return { topic, payload, timestampMs, metadata: joinWithin(limits.eventMetadataBytesMax, added, event.metadata) };
}

/**
 * What is added, and as much of the original as fits: an event whose metadata is as big as it may be would otherwise
 * never become a dead letter.
 */
function joinWithin(bytesMax: number, added: Metadata, original: Metadata): Metadata {
  const joined = { ...withoutReservedKeys(original), ...added };
  if (jsonBytes(joined) <= bytesMax) return joined;
  const fitting: Record<string, string> = { ...added };
  let bytes = jsonBytes(fitting);
  for (const [key, value] of Object.entries(withoutReservedKeys(original))) {
    const more = jsonBytes({ [key]: value });
    if (bytes + more > bytesMax) continue;
    fitting[key] = value;
    bytes += more;
  }
  return fitting;
}

function jsonBytes(metadata: Metadata): number {
  return encoder.encode(JSON.stringify(metadata)).byteLength;
}
