import type { StartPosition, TopicKey } from "#interface/events.ts";
import type { EventLog } from "./event-log.ts";

/** The place of the first event that is read; events there may be yet to come, or gone. At least 1. */
export function toSequence(log: EventLog, key: TopicKey, start: StartPosition): number {
  if (start.kind === "sequence") return Math.max(1, start.sequence);
  if (start.kind === "time") return Math.max(1, log.sequenceAt(key, start.timestampMs));
  const topic = log.topic(key);
  if (start.kind === "latest") return (topic?.lastSequence ?? 0) + 1;
  return Math.max(1, topic?.firstSequence ?? 0);
}
