import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { requireName } from "#base/name.ts";
import type { Event as EventMessage } from "#gen/events/events_pb.ts";
import { WireEvent, type StoredEvent } from "./events-event.ts";
import { checkStart } from "./events-options.ts";
import type { EventStart, HistoryClient } from "./events-wire.ts";

/** Which part of a history. */
export interface ReadOptions {
  /** @default "earliest" */
  readonly start?: Exclude<EventStart, "latest">;
  /** Skipped first. @default 0 */
  readonly offset?: number;
  /** At most so many; a page may also be cut for its size. @default limits.eventReadCountDefault */
  readonly limit?: number;
}

/** Which part of a history, from one place to its end. */
export interface HistoryOptions {
  /** @default "earliest" */
  readonly start?: Exclude<EventStart, "latest">;
  /** Ends it; what was read last still comes. */
  readonly signal?: AbortSignal;
}

const pageCount = 1_000;

/** A part of a topic's history, oldest first. */
export async function readEvents(
  client: HistoryClient,
  topic: string,
  options: ReadOptions,
): Promise<readonly StoredEvent[]> {
  const { start = "earliest", offset = 0, limit = limits.eventReadCountDefault } = options;
  requireCount("offset", offset, 0);
  requireCount("limit", limit, 1);
  const request = { topic: requireName("topic", topic), offset: BigInt(offset), limit: BigInt(limit) };
  const { events } = await client.read({ ...request, ...toStart(start) });
  return events.map((each) => new WireEvent(each));
}

/** Every event of a topic from a place on, oldest first, until the newest that there is. */
export async function* readHistory(
  client: HistoryClient,
  topic: string,
  { start = "earliest", signal }: HistoryOptions,
): AsyncGenerator<StoredEvent, void> {
  requireName("topic", topic);
  let from = toStart(start);
  for (;;) {
    if (signal?.aborted === true) return;
    const { events } = await client.read({ topic, limit: BigInt(pageCount), ...from });
    // The events of a page are made as they are asked for: a page in memory is enough.
    for (const each of events) yield new WireEvent(each);
    const last: EventMessage | undefined = events.at(-1);
    // A page may be shorter than asked for, because of its size.
    if (last === undefined) return;
    from = { startSequence: last.sequence + 1n };
  }
}

function toStart(start: Exclude<EventStart, "latest">): { readonly startSequence?: bigint; readonly startMs?: bigint } {
  if (start === "earliest") return {};
  checkStart(start);
  return "sequence" in start ? { startSequence: BigInt(start.sequence) } : { startMs: BigInt(start.time.getTime()) };
}

function requireCount(name: string, value: number, min: number): void {
  if (Number.isSafeInteger(value) && value >= min) return;
  throw new MicroError("invalid_argument", `${name} is a whole number from ${min} on, not ${value}`);
}
