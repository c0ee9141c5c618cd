import { MicroError } from "#base/error.ts";
import { requireName } from "#base/name.ts";
import type { GroupState, Retention, TopicState } from "#interface/events.ts";
import type { StreamClient } from "./events-wire.ts";

/** What is known of topics and groups, and what an operator does with them. */
export class TopicDesk {
  readonly #client: StreamClient;

  constructor(client: StreamClient) {
    this.#client = client;
  }

  async topics(signal?: AbortSignal): Promise<readonly TopicState[]> {
    const { topics } = await this.#client.listTopics({}, signal === undefined ? {} : { signal });
    return topics.map(({ name, firstSequence, lastSequence, count, bytes, retention }) => ({
      name,
      firstSequence: Number(firstSequence),
      lastSequence: Number(lastSequence),
      count: Number(count),
      bytes: Number(bytes),
      retention: fromWire(retention),
    }));
  }

  /** The newest place of a topic; 0 when there was no event yet. */
  async lastSequence(topic: string, signal: AbortSignal): Promise<number> {
    const topics = await this.topics(signal);
    return topics.find(({ name }) => name === topic)?.lastSequence ?? 0;
  }

  async groups(topic: string): Promise<readonly GroupState[]> {
    if (topic !== "") requireName("topic", topic);
    const { groups } = await this.#client.listGroups({ topic });
    return groups.map(({ name, topic, sequence, lag, pending, consumers, dead }) => ({
      name,
      topic,
      sequence: Number(sequence),
      lag: Number(lag),
      pending: Number(pending),
      consumers: Number(consumers),
      dead: Number(dead),
    }));
  }

  async redrive({ topic, group }: { readonly topic: string; readonly group: string }, limit: number): Promise<number> {
    requireName("topic", topic);
    requireName("group", group);
    const request = { topic, group, limit: BigInt(requireLimit("limit", limit)) };
    return Number((await this.#client.redrive(request)).count);
  }

  async setRetention(topic: string, { ageMs, bytes, count }: Retention): Promise<void> {
    const retention = {
      ageMs: BigInt(requireLimit("ageMs", ageMs)),
      bytes: BigInt(requireLimit("bytes", bytes)),
      count: BigInt(requireLimit("count", count)),
    };
    await this.#client.setRetention({ topic: requireName("topic", topic), retention });
  }
}

/** Absent is 0, which is no limit. */
function requireLimit(name: string, value = 0): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new MicroError("invalid_argument", `${name} is a whole number from 0 on, not ${value}`);
}

function fromWire(
  retention: { readonly ageMs: bigint; readonly bytes: bigint; readonly count: bigint } | undefined,
): Retention {
  const { ageMs = 0n, bytes = 0n, count = 0n } = retention ?? {};
  return {
    ...(ageMs > 0n && { ageMs: Number(ageMs) }),
    ...(bytes > 0n && { bytes: Number(bytes) }),
    ...(count > 0n && { count: Number(count) }),
  };
}
