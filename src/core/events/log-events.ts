import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import { requireName } from "#base/name.ts";
import type {
  BatchNumber,
  ConsumeOptions,
  Consumer,
  EventQuery,
  Events,
  GroupState,
  NewEvent,
  PublishedEvent,
  PublishedRun,
  Retention,
  StoredEvent,
  TopicKey,
  TopicState,
} from "#interface/events.ts";
import { checkBatchNumber, checkNewEvents, checkRetention, requireCount, requireTopic } from "./check-events.ts";
import { requireGroup, requireStart, resolveConsumeOptions } from "./consume-config.ts";
import type { EventGroup } from "./event-group.ts";
import type { EventLog, GroupKey } from "./event-log.ts";
import { GroupTable } from "./group-table.ts";
import { listGroups } from "./list-groups.ts";
import { PublisherTurns } from "./publisher-turns.ts";
import { redrive } from "./redrive.ts";
import { toSequence } from "./start-sequence.ts";
import { TopicLimit } from "./topic-limit.ts";

export interface EventsDeps {
  /** Stays open when events stop. */
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Events on a log: topics as it keeps them, and their groups served from this process. */
export function createEvents(deps: EventsDeps): Events & Stoppable {
  return new LogEvents(deps);
}

class LogEvents implements Events, Stoppable {
  readonly #log: EventLog;
  readonly #groups: GroupTable;
  readonly #topicLimit: TopicLimit;
  readonly #turns = new PublisherTurns();
  readonly #unsubscribe: () => void;
  /** Groups whose dead letters are on their way. */
  readonly #redriving = new Set<string>();
  #isStopped = false;

  constructor(deps: EventsDeps) {
    this.#log = deps.log;
    this.#groups = new GroupTable(deps);
    this.#topicLimit = new TopicLimit(deps.log);
    this.#unsubscribe = deps.log.onAppend((key, lastSequence) => this.#groups.wake(key, lastSequence));
  }

  async publish(namespace: string, events: readonly NewEvent[]): Promise<readonly PublishedEvent[]> {
    checkNewEvents(namespace, events);
    this.#topicLimit.admit(namespace, events);
    return this.#log.write({ namespace, events });
  }

  async publishBatch(
    namespace: string,
    batch: BatchNumber,
    events: readonly NewEvent[],
  ): Promise<readonly PublishedRun[]> {
    checkBatchNumber(batch);
    // Before the events are checked: where this batch is refused, the one behind it need not wait to hear of it.
    const turn = this.#turns.take(`${namespace}/${batch.publisher}`, batch.number);
    if (turn !== undefined) await turn;
    checkNewEvents(namespace, events);
    this.#topicLimit.admit(namespace, events);
    return this.#log.append({ namespace, events, batch });
  }

  async read(query: EventQuery): Promise<readonly StoredEvent[]> {
    const key = requireTopic(query);
    const { start = { kind: "earliest" }, offset = 0, limit = limits.eventReadCountDefault } = query;
    const countMax = Math.min(requireCount("limit", limit), limits.eventReadCountMax);
    const first = toSequence(this.#log, key, requireStart(start));
    const sequence = Math.max(first, this.#log.topic(key)?.firstSequence ?? 0) + requireCount("offset", offset);
    if (countMax === 0) return [];
    return this.#log.read(key, { sequence, countMax, bytesMax: limits.eventReadBytesMax });
  }

  consume(options: ConsumeOptions): Consumer {
    const config = resolveConsumeOptions(options);
    if (this.#isStopped) throw stopping();
    return this.#groups.join(config, options.signal);
  }

  async acknowledge(key: GroupKey, ids: readonly string[]): Promise<void> {
    await this.#requireLoaded(key).acknowledgeIds(ids);
  }

  async refuse(key: GroupKey, id: string, delayMs?: number): Promise<void> {
    if (delayMs !== undefined) requireCount("delay", delayMs);
    this.#requireLoaded(key).refuseId(id, delayMs);
  }

  async topics(namespace: string): Promise<readonly TopicState[]> {
    return this.#log.topics(requireName("namespace", namespace));
  }

  async groups(namespace: string, topic?: string): Promise<readonly GroupState[]> {
    requireName("namespace", namespace);
    if (topic !== undefined) requireName("topic", topic);
    return listGroups({ log: this.#log, loaded: this.#groups.list(namespace, topic) }, namespace, topic);
  }

  async setRetention(key: TopicKey, retention: Retention): Promise<void> {
    const { namespace, topic } = requireTopic(key);
    checkRetention(retention);
    this.#topicLimit.admit(namespace, [{ topic }]);
    await this.#log.setRetention({ namespace, topic }, retention);
  }

  async deleteTopic(given: TopicKey): Promise<void> {
    const key = requireTopic(given);
    this.#topicLimit.forget(key);
    await this.#groups.closeTopic(key, new MicroError("not_found", `topic ${key.topic} was deleted`));
    await this.#log.deleteTopic(key);
  }

  async deleteGroup(given: GroupKey): Promise<void> {
    const key = requireGroupKey(given);
    await this.#groups.removeGroup(key, () => this.#log.deleteGroup(key));
  }

  async redrive(given: GroupKey, countMax = 0): Promise<number> {
    const key = requireGroupKey(given);
    requireCount("limit", countMax);
    if (this.#groups.find(key) === undefined && this.#log.place(key) === undefined) throw noGroup(key);
    const id = `${key.namespace}/${key.topic}/${key.group}`;
    if (this.#redriving.has(id)) {
      throw new MicroError("conflict", `dead letters of group ${key.group} are being given to it already`);
    }
    this.#redriving.add(id);
    try {
      return await redrive(this.#log, key, countMax === 0 ? Number.POSITIVE_INFINITY : countMax);
    } finally {
      this.#redriving.delete(id);
    }
  }

  /** Ends all consumers with `unavailable`, and resolves when what they acknowledged is on disk. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unsubscribe();
    await this.#groups.closeAll(stopping());
  }

  #requireLoaded(given: GroupKey): EventGroup {
    const key = requireGroupKey(given);
    const group = this.#groups.find(key);
    if (group === undefined) throw noGroup(key);
    return group;
  }
}

function requireGroupKey(key: GroupKey): GroupKey {
  return { ...requireTopic(key), group: requireGroup(key.topic, key.group) };
}

function noGroup({ topic, group }: GroupKey): MicroError {
  return new MicroError("not_found", `topic ${topic} has no group ${group}`);
}

function stopping(): MicroError {
  return new MicroError("unavailable", "events are stopping; connect again");
}
