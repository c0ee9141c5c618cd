import { limits } from "#base/limits.ts";
import { deadLetterTopic } from "#interface/events.ts";
import { toRedriven } from "./dead-letter.ts";
import type { EventLog, GroupKey } from "./event-log.ts";

/**
 * Gives the dead letters of a group that are there now to it once more, oldest first: each is appended to its topic, and
 * removed from the dead letters, in one write.
 *
 * @param countMax at most so many.
 * @returns how many.
 */
export async function redrive(log: EventLog, group: GroupKey, countMax: number): Promise<number> {
  const { namespace } = group;
  const dead = { namespace, topic: deadLetterTopic(group.topic, group.group) };
  // A letter that comes back while this goes on is left for the next time.
  const lastSequence = log.topic(dead)?.lastSequence ?? 0;
  let count = 0;
  while (count < countMax) {
    const letters = log
      .read(dead, {
        sequence: 1,
        countMax: Math.min(countMax - count, limits.deadLetterBatchCountMax),
        bytesMax: limits.eventReadBytesMax,
      })
      .filter((each) => each.sequence <= lastSequence);
    const last = letters.at(-1);
    if (last === undefined) break;
    const events = letters.map((each) => toRedriven(each, group));
    await log.write({ namespace, events, trims: [{ ...dead, upTo: last.sequence }] });
    count += letters.length;
  }
  return count;
}
