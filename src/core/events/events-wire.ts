import type { MessageInitShape } from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import {
  Start,
  type ConsumeRequest,
  type EventSchema,
  type GroupSchema,
  type PublishRequest,
  type PublishResponseSchema,
  type ReadRequest,
  type Retention as WireRetention,
  type TopicSchema,
} from "#gen/events/events_pb.ts";
import type {
  ConsumeOptions,
  DeliveredEvent,
  EventQuery,
  GroupState,
  NewEvent,
  PublishedEvent,
  Retention,
  StartPosition,
  StoredEvent,
  TopicState,
} from "#interface/events.ts";

const nanosPerMs = 1_000_000;

/** @throws MicroError `invalid_argument` without a topic. */
export function toNewEvent({ topic, id, payload, metadata, timestamp, timestampMs }: PublishRequest): NewEvent {
  return {
    topic: requireTopicName(topic),
    payload,
    metadata,
    ...(id !== "" && { id }),
    ...(timestampMs !== 0n && { timestampMs: Number(timestampMs) }),
    ...(timestampMs === 0n && timestamp !== 0n && { timestampMs: Number(timestamp) * 1_000 }),
  };
}

export function toPublishResponse(published: PublishedEvent): MessageInitShape<typeof PublishResponseSchema> {
  return { id: published.id, sequence: BigInt(published.sequence), duplicate: published.isDuplicate };
}

/** @throws MicroError `invalid_argument` without a topic, and where an answer is expected within no time. */
export function toConsumeOptions(request: ConsumeRequest, namespace: string): ConsumeOptions {
  const topic = requireTopicName(request.topic);
  const ackWaitMs = Number(request.ackWait) / nanosPerMs;
  if (!request.autoAck && ackWaitMs <= 0) {
    throw new MicroError("invalid_argument", "ack_wait must be above 0 nanoseconds unless auto_ack is set");
  }
  return {
    namespace,
    topic,
    ...(request.group !== "" && { group: request.group }),
    start: toStart(request),
    isAutoAck: request.autoAck,
    ...(!request.autoAck && { ackWaitMs: Math.max(1, ackWaitMs) }),
    retryCountMax: Number(request.retryLimit),
    pendingCountMax: request.pendingMax === 0 ? limits.eventPendingCountMax : request.pendingMax,
  };
}

export function toEvent(event: StoredEvent | DeliveredEvent): MessageInitShape<typeof EventSchema> {
  const { id, topic, metadata, payload, sequence, timestampMs } = event;
  return {
    id,
    topic,
    metadata,
    payload,
    timestamp: BigInt(Math.floor(timestampMs / 1_000)),
    sequence: BigInt(sequence),
    attempt: "attempt" in event ? event.attempt : 0,
    timestampMs: BigInt(timestampMs),
  };
}

/** @throws MicroError `invalid_argument` without a topic. */
export function toEventQuery(
  { topic, limit, offset, startSequence, startMs }: ReadRequest,
  namespace: string,
): EventQuery {
  return {
    namespace,
    topic: requireTopicName(topic),
    ...(limit !== 0n && { limit: Number(limit) }),
    offset: Number(offset),
    ...toPlaceOrTime(startSequence, startMs),
  };
}

export function toTopic({ name, retention, ...state }: TopicState): MessageInitShape<typeof TopicSchema> {
  const { ageMs = 0, bytes = 0, count = 0 } = retention;
  return {
    name,
    firstSequence: BigInt(state.firstSequence),
    lastSequence: BigInt(state.lastSequence),
    count: BigInt(state.count),
    bytes: BigInt(state.bytes),
    retention: { ageMs: BigInt(ageMs), bytes: BigInt(bytes), count: BigInt(count) },
  };
}

export function toGroup({ name, topic, ...state }: GroupState): MessageInitShape<typeof GroupSchema> {
  return {
    name,
    topic,
    sequence: BigInt(state.sequence),
    lag: BigInt(state.lag),
    pending: BigInt(state.pending),
    consumers: BigInt(state.consumers),
    dead: BigInt(state.dead),
  };
}

export function toRetention(retention: WireRetention | undefined): Retention {
  if (retention === undefined) return {};
  const { ageMs, bytes, count } = retention;
  return {
    ...(ageMs !== 0n && { ageMs: Number(ageMs) }),
    ...(bytes !== 0n && { bytes: Number(bytes) }),
    ...(count !== 0n && { count: Number(count) }),
  };
}

/** @throws MicroError `invalid_argument` in the words of Micro. */
export function requireTopicName(topic: string): string {
  if (topic !== "") return topic;
  throw new MicroError("invalid_argument", "Missing topic");
}

function toStart({ startSequence, startMs, offset, start }: ConsumeRequest): StartPosition {
  const { start: said } = toPlaceOrTime(startSequence, startMs);
  if (said !== undefined) return said;
  // Micro's Go clients say "no time" with the seconds of the year 1, which are far below 0.
  if (offset > 0n) return { kind: "time", timestampMs: Number(offset) * 1_000 };
  return { kind: start === Start.EARLIEST ? "earliest" : "latest" };
}

function toPlaceOrTime(sequence: bigint, timestampMs: bigint): { readonly start?: StartPosition } {
  if (sequence !== 0n) return { start: { kind: "sequence", sequence: Number(sequence) } };
  if (timestampMs !== 0n) return { start: { kind: "time", timestampMs: Number(timestampMs) } };
  return {};
}
