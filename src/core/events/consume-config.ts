import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { requireName } from "#base/name.ts";
import { deadLetterTopic, type ConsumeOptions, type StartPosition, type TopicKey } from "#interface/events.ts";
import { requireCount, requireTopic } from "./check-events.ts";

/** What a consumer wants, complete. */
export interface ConsumeConfig {
  readonly key: TopicKey;
  /** Undefined: a reader of its own. */
  readonly group: string | undefined;
  readonly start: StartPosition;
  readonly isAutoAck: boolean;
  readonly ackWaitMs: number;
  /** -1 is for ever. */
  readonly retryCountMax: number;
  readonly pendingCountMax: number;
}

/** Checks, defaults, freezes. @throws MicroError `invalid_argument` that names what is wrong. */
export function resolveConsumeOptions(options: ConsumeOptions): ConsumeConfig {
  const { group, start = { kind: "latest" } } = options;
  const key = requireTopic(options);
  if (group !== undefined) requireGroup(key.topic, group);
  const {
    ackWaitMs = limits.eventAckWaitMs,
    retryCountMax = limits.eventRetryCountMax,
    pendingCountMax = limits.eventPendingCountMax,
  } = options;
  if (!(ackWaitMs > 0) || !Number.isFinite(ackWaitMs)) {
    throw new MicroError("invalid_argument", `ack wait is ${ackWaitMs}; it is a time above 0`);
  }
  if (retryCountMax !== -1) requireCount("retry limit", retryCountMax);
  requireCount("pending limit", pendingCountMax);
  if (pendingCountMax < 1 || pendingCountMax > limits.eventUnfinishedCountMax) {
    throw new MicroError(
      "invalid_argument",
      `pending limit is ${pendingCountMax}; it is from 1 to ${limits.eventUnfinishedCountMax}`,
    );
  }
  return Object.freeze({
    key,
    group,
    start: requireStart(start),
    isAutoAck: options.isAutoAck ?? false,
    ackWaitMs,
    retryCountMax,
    pendingCountMax,
  });
}

/** @throws MicroError `invalid_argument` for a name that is none, or that leaves no room for the dead letters. */
export function requireGroup(topic: string, group: string): string {
  requireName("group", group);
  const { length } = deadLetterTopic(topic, group);
  if (length <= limits.topicLengthMax) return group;
  throw new MicroError(
    "invalid_argument",
    `the names of topic and group are too long together: their dead letters would be in a topic of ${length} characters, above ${limits.topicLengthMax}`,
  );
}

export function requireStart(start: StartPosition): StartPosition {
  if (start.kind === "sequence") requireCount("start place", start.sequence);
  if (start.kind === "time") requireCount("start time", start.timestampMs);
  return start;
}
