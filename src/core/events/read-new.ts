import type { StoredEvent, TopicKey } from "#interface/events.ts";
import type { EventLog } from "./event-log.ts";
import type { GroupProgress } from "./group-progress.ts";
import { redriveGroupKey, withoutMark } from "./reserved-metadata.ts";

/** Reads in one go that may all be passed by before somebody else gets a turn. */
const readCountMax = 8;

export interface NewReading {
  readonly key: TopicKey;
  readonly group: string | undefined;
  readonly countMax: number;
  readonly bytesMax: number;
  /** The newest event of the topic. */
  readonly lastSequence: number;
}

/** What was read. */
export interface NewEvents {
  readonly events: readonly StoredEvent[];
  /** Events were passed by: the place of the group has moved although nobody acknowledged anything. */
  readonly hasPassed: boolean;
}

/**
 * The next events of a topic that a group has not done, and moves its progress behind them. Passes by what was done
 * before, what another group's dead letters brought, and what the topic no longer has.
 */
export function readNew(log: EventLog, progress: GroupProgress, reading: NewReading): NewEvents {
  const { key, group, countMax, bytesMax, lastSequence } = reading;
  const events: StoredEvent[] = [];
  let hasPassed = false;
  for (let count = 0; count < readCountMax && events.length === 0; count += 1) {
    if (progress.nextSequence > lastSequence) break;
    const read = log.read(key, { sequence: progress.nextSequence, countMax, bytesMax });
    if (read.length === 0) {
      // The topic's retention has removed the rest.
      progress.take(lastSequence);
      hasPassed = true;
    }
    for (const event of read) {
      const receiver = event.metadata[redriveGroupKey];
      const isNew = progress.take(event.sequence);
      if (!isNew || (receiver !== undefined && receiver !== group)) hasPassed = true;
      else events.push(withoutMark(event));
    }
  }
  return { events, hasPassed };
}
