import { MicroError } from "#base/error.ts";
import type { TopicKey } from "#interface/events.ts";

/** The refusal to read events that are not what was written. */
export function damagedChunk({ namespace, topic }: TopicKey, sequence: number): MicroError {
  const detail = `the events of topic ${topic} of namespace ${namespace} from ${sequence} on are damaged on disk: restore events.db from a backup; nothing was changed`;
  return new MicroError("internal", detail, { at: "events" });
}
