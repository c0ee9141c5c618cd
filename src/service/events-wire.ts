import type { MicroError } from "#base/error.ts";
import type { Event as EventMessage, Store, Stream } from "#gen/events/events_pb.ts";
import type { ProtoClient } from "./proto.ts";

export type StreamClient = ProtoClient<typeof Stream>;
export type HistoryClient = ProtoClient<typeof Store>;

/** Where reading begins: at the oldest event that is kept, with the next one, at a place, or at a time. */
export type EventStart = "earliest" | "latest" | { readonly sequence: number } | { readonly time: Date };

/** True for failures that time heals: the server is away, restarts, or has too much to do. */
export function isTransient(error: MicroError): boolean {
  return transientCodes.has(error.code);
}

const transientCodes: ReadonlySet<string> = new Set([
  "unavailable",
  "timeout",
  "gateway_timeout",
  "bad_gateway",
  "too_many_requests",
]);

/** When an event happened, milliseconds since the epoch. */
export function toTimestampMs({ timestamp, timestampMs }: EventMessage): number {
  return timestampMs === 0n ? Number(timestamp) * 1_000 : Number(timestampMs);
}
