import { limits } from "#base/limits.ts";
import type { ChunkHead, LogChunkTable } from "./log-chunk-table.ts";
import { contentBytes, readHead, readId } from "./log-record.ts";
import type { LogTopic } from "./log-topic-table.ts";

/** What is to go from a topic, oldest first: an event goes when any of these says so. */
interface Goal {
  /** Every event up to this place. */
  readonly upTo: number;
  /** As many as give so many bytes. */
  readonly bytes: number;
  /** Every event that arrived before. */
  readonly arrivedBeforeMs: number;
}

/** What a topic holds beyond its limits, or undefined when it holds nothing that has to go. */
function findGoal(topic: LogTopic, nowMs: number, chunks: LogChunkTable): Goal | undefined {
  const { firstSequence, lastSequence, trimTo, bytes, retention, name } = topic;
  if (firstSequence > lastSequence) return undefined;
  if (name === undefined) return { upTo: lastSequence, bytes: 0, arrivedBeforeMs: 0 };
  const goal: Goal = {
    upTo: Math.max(trimTo, retention.count === undefined ? 0 : lastSequence - retention.count),
    bytes: retention.bytes === undefined ? 0 : Math.max(0, bytes - retention.bytes),
    arrivedBeforeMs: retention.ageMs === undefined ? 0 : nowMs - retention.ageMs,
  };
  if (goal.upTo >= firstSequence || goal.bytes > 0) return goal;
  if (goal.arrivedBeforeMs <= 0) return undefined;
  topic.firstArrivedAtMs ??= chunks.head(topic.id, firstSequence)?.arrived_at_ms;
  return (topic.firstArrivedAtMs ?? 0) < goal.arrivedBeforeMs ? goal : undefined;
}

/** True when the topic holds something that has to go. */
export function isOverLimit(topic: LogTopic, nowMs: number, chunks: LogChunkTable): boolean {
  return findGoal(topic, nowMs, chunks) !== undefined;
}

/**
 * Removes the oldest events that the topic shall not keep, at most `countMax`, and not many more bytes than share one
 * commit, so that nobody waits long. Says how many went. The topic is to be saved by the caller.
 */
export function removeOldest(
  topic: LogTopic,
  chunks: LogChunkTable,
  { nowMs, countMax }: { readonly nowMs: number; readonly countMax: number },
): number {
  const goal = findGoal(topic, nowMs, chunks);
  if (goal === undefined) return 0;
  const begin = topic.firstSequence;
  const firstChunk = chunks.head(topic.id, begin)?.sequence ?? begin;
  let emptiedTo: number | undefined;
  let freed = 0;
  while (topic.firstSequence <= topic.lastSequence && topic.firstSequence - begin < countMax) {
    if (freed >= limits.eventGroupBytesMax) break;
    const chunk = chunks.head(topic.id, topic.firstSequence);
    if (chunk === undefined) throw new Error(`the chunk of place ${topic.firstSequence} is missing`);
    const room = countMax - (topic.firstSequence - begin);
    freed += removeFrom(topic, chunks, { chunk, goal, freed, room });
    if (topic.firstSequence < chunk.sequence + chunk.count) break;
    emptiedTo = chunk.sequence;
  }
  if (emptiedTo !== undefined) {
    chunks.removeChunks(topic.id, firstChunk, emptiedTo);
    topic.firstArrivedAtMs = undefined;
  }
  topic.bytes -= freed;
  return topic.firstSequence - begin;
}

interface Step {
  readonly chunk: ChunkHead;
  readonly goal: Goal;
  /** Bytes that went before. */
  readonly freed: number;
  /** Events that may still go. */
  readonly room: number;
}

/** Moves the beginning of the topic behind what has to go of one chunk, and says how many bytes that gives. */
function removeFrom(topic: LogTopic, chunks: LogChunkTable, { chunk, goal, freed, room }: Step): number {
  const last = chunk.sequence + chunk.count - 1;
  const upTo = chunk.arrived_at_ms < goal.arrivedBeforeMs ? last : goal.upTo;
  const isWhole = topic.firstSequence === chunk.sequence && room >= chunk.count;
  const isGone = last <= upTo || freed + chunk.bytes <= goal.bytes;
  if (isWhole && isGone && chunk.id_count === 0) {
    topic.firstSequence = last + 1;
    return chunk.bytes;
  }
  const events = chunks.events(topic.id, chunk.sequence) ?? new Uint8Array(0);
  const view = new DataView(events.buffer, events.byteOffset, events.byteLength);
  const end = topic.firstSequence + room;
  let bytes = 0;
  for (let at = 0, sequence = chunk.sequence; sequence <= last && sequence < end; sequence += 1) {
    const head = readHead(view, at);
    at = head.end;
    if (sequence < topic.firstSequence) continue;
    if (sequence > upTo && freed + bytes >= goal.bytes) break;
    const id = readId(events, head);
    if (id !== undefined) chunks.removeId(topic.id, id);
    bytes += contentBytes(head);
    topic.firstSequence = sequence + 1;
  }
  return bytes;
}
