import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { requireName } from "#base/name.ts";
import type { EventStart } from "./events-wire.ts";

/** How a topic is consumed. */
export interface ConsumeOptions {
  /**
   * Members of one group share the events, and the group's place is kept when all have left.
   *
   * @default none: a reader of its own that sees every event and is forgotten when it leaves
   */
  readonly group?: string;
  /**
   * Where to begin. For a group that is known, `"earliest"` and `"latest"` mean where it stands; a place or a time moves
   * the whole group there.
   *
   * @default "latest", the next event that is published
   */
  readonly start?: EventStart;
  /** An event that is not acknowledged within this time is sent again, milliseconds. @default limits.eventAckWaitMs */
  readonly ackWaitMs?: number;
  /** How often an event is sent again before it is a dead letter; -1 is for ever. @default limits.eventRetryCountMax */
  readonly retryLimit?: number;
  /** Events that may be on their way here, or wait here, at a time. @default limits.eventPendingCountMax */
  readonly pendingMax?: number;
  /** An event counts as done when it is sent. It may then be lost, with this process for instance. @default false */
  readonly isAutoAck?: boolean;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** The options, checked and complete. */
export interface ConsumeConfig {
  readonly topic: string;
  /** Empty: a reader of its own. */
  readonly group: string;
  readonly start: EventStart;
  readonly ackWaitMs: number;
  readonly retryLimit: number;
  readonly pendingMax: number;
  readonly isAutoAck: boolean;
  readonly signal: AbortSignal | undefined;
}

/** @throws MicroError `invalid_argument` that names what is wrong. */
export function resolveConsumeOptions(topic: string, options: ConsumeOptions): ConsumeConfig {
  const { start = "latest", ackWaitMs = limits.eventAckWaitMs, retryLimit = limits.eventRetryCountMax } = options;
  const { pendingMax = limits.eventPendingCountMax, isAutoAck = false, signal } = options;
  requireCount("ackWaitMs", ackWaitMs, 1);
  requireCount("retryLimit", retryLimit, -1);
  requireCount("pendingMax", pendingMax, 1);
  checkStart(start);
  const group = options.group === undefined ? "" : requireName("group", options.group);
  return Object.freeze({
    topic: requireName("topic", topic),
    group,
    start,
    ackWaitMs,
    retryLimit,
    pendingMax,
    isAutoAck,
    signal,
  });
}

/** @throws MicroError `invalid_argument` for a place or a time that is none. */
export function checkStart(start: EventStart): void {
  if (start === "earliest" || start === "latest") return;
  if ("sequence" in start) return requireCount("start.sequence", start.sequence, 1);
  if (!(start.time.getTime() > 0)) throw new MicroError("invalid_argument", "start.time is a date after 1970-01-01");
}

function requireCount(name: string, value: number, min: number): void {
  if (Number.isSafeInteger(value) && value >= min) return;
  throw new MicroError("invalid_argument", `${name} is a whole number from ${min} on, not ${String(value)}`);
}
