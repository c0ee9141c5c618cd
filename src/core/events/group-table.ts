import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import type { StartPosition, TopicKey } from "#interface/events.ts";
import type { ConsumeConfig } from "./consume-config.ts";
import { EventGroup } from "./event-group.ts";
import type { EventLog, GroupKey, GroupPlace } from "./event-log.ts";
import type { GroupMember } from "./group-member.ts";
import { toSequence } from "./start-sequence.ts";
import { toTopicId } from "./topic-id.ts";

export interface GroupTableDeps {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The groups of one topic that are in memory. */
interface TopicGroups {
  readonly key: TopicKey;
  readonly named: Map<string, EventGroup>;
  /** Readers of their own. */
  readonly unnamed: Set<EventGroup>;
}

/**
 * The groups that are in memory: those with members, and those of which unfinished events are remembered. Groups that
 * wait for events cost nothing but their memory; those of a topic are woken when it grows.
 */
export class GroupTable {
  readonly #deps: GroupTableDeps;
  readonly #byTopic = new Map<string, TopicGroups>();
  /** Groups without members, the longest idle first. */
  readonly #idle = new Set<EventGroup>();
  /** Groups that are being deleted; nobody may join them. */
  readonly #leaving = new Set<EventGroup>();

  constructor(deps: GroupTableDeps) {
    this.#deps = deps;
  }

  /** @throws MicroError `too_many_requests` at a limit, `conflict` while the group is being deleted. */
  join(config: ConsumeConfig, signal: AbortSignal | undefined): GroupMember {
    const group = this.#provide(config);
    if (this.#leaving.has(group)) {
      throw new MicroError("conflict", `group ${group.name ?? ""} of topic ${config.key.topic} is being deleted`);
    }
    if (group.memberCount >= limits.eventConsumersPerGroupMax) {
      throw tooMany(`group ${group.name ?? ""}`, limits.eventConsumersPerGroupMax, "consumers");
    }
    this.#idle.delete(group);
    return group.join(config, signal);
  }

  /** The topic has grown. */
  wake(key: TopicKey, lastSequence: number): void {
    const groups = this.#byTopic.get(toTopicId(key));
    if (groups === undefined) return;
    for (const group of groups.named.values()) group.wake(lastSequence);
    for (const group of groups.unnamed) group.wake(lastSequence);
  }

  find({ group, ...key }: GroupKey): EventGroup | undefined {
    return this.#byTopic.get(toTopicId(key))?.named.get(group);
  }

  /** Those with a name, of one topic or of a namespace. */
  list(namespace: string, topic: string | undefined): readonly EventGroup[] {
    return [...this.#byTopic.values()]
      .filter(({ key }) => key.namespace === namespace && (topic === undefined || key.topic === topic))
      .flatMap(({ named }) => [...named.values()]);
  }

  /** Ends the consumers of a topic and forgets its groups. */
  async closeTopic(key: TopicKey, reason: MicroError): Promise<void> {
    const groups = this.#byTopic.get(toTopicId(key));
    if (groups === undefined) return;
    const all = [...groups.named.values(), ...groups.unnamed];
    for (const group of all) this.#forget(group);
    await Promise.all(all.map((group) => group.close(reason)));
  }

  /** Runs `remove` while nobody can join the group, and forgets it. @throws MicroError `conflict` while consumers are connected. */
  async removeGroup(key: GroupKey, remove: () => Promise<void>): Promise<void> {
    const group = this.find(key);
    if (group === undefined) return remove();
    if (group.memberCount > 0) {
      const detail = `group ${key.group} of topic ${key.topic} has ${group.memberCount} connected consumers; end them first`;
      throw new MicroError("conflict", detail);
    }
    this.#leaving.add(group);
    try {
      await group.close(new MicroError("not_found", `group ${key.group} was deleted`));
      await remove();
    } finally {
      this.#leaving.delete(group);
      this.#forget(group);
    }
  }

  /** Ends all consumers, and resolves when nothing is being saved. */
  async closeAll(reason: MicroError): Promise<void> {
    await Promise.all([...this.#byTopic.values()].map(({ key }) => this.closeTopic(key, reason)));
  }

  #provide({ key, group: name, start }: ConsumeConfig): EventGroup {
    const groups = this.#byTopic.get(toTopicId(key)) ?? {
      key,
      named: new Map<string, EventGroup>(),
      unnamed: new Set(),
    };
    const group =
      name === undefined
        ? this.#createReader(groups, start)
        : this.#provideGroup(groups, { ...key, group: name }, start);
    if (name === undefined) groups.unnamed.add(group);
    else groups.named.set(name, group);
    this.#byTopic.set(toTopicId(key), groups);
    return group;
  }

  #createReader({ key, unnamed }: TopicGroups, start: StartPosition): EventGroup {
    if (unnamed.size >= limits.groupsPerTopicMax) {
      throw tooMany(`topic ${key.topic}`, limits.groupsPerTopicMax, "readers without a group");
    }
    return this.#create(key, undefined, toPlace(this.#deps.log, key, start));
  }

  #provideGroup({ key, named }: TopicGroups, groupKey: GroupKey, start: StartPosition): EventGroup {
    const { log } = this.#deps;
    const known = named.get(groupKey.group);
    const kept = known === undefined ? log.place(groupKey) : undefined;
    if (known === undefined && kept === undefined) this.#requireFreeGroup(key, named);
    const isMoved = start.kind === "sequence" || start.kind === "time";
    if (known !== undefined) {
      if (isMoved && known.memberCount === 0) known.moveTo(toPlace(log, key, start));
      return known;
    }
    if (kept !== undefined && !isMoved) return this.#create(key, groupKey.group, kept);
    const group = this.#create(key, groupKey.group, toPlace(log, key, start));
    // What is published from now on is the group's, also when the server is gone before the first acknowledgement.
    group.keep();
    return group;
  }

  #requireFreeGroup(key: TopicKey, named: ReadonlyMap<string, EventGroup>): void {
    const names = new Set([...named.keys(), ...this.#deps.log.groups(key).map(({ group }) => group)]);
    if (names.size >= limits.groupsPerTopicMax) throw tooMany(`topic ${key.topic}`, limits.groupsPerTopicMax, "groups");
  }

  #create(key: TopicKey, name: string | undefined, place: GroupPlace): EventGroup {
    const onEmpty = (group: EventGroup): void => this.#afterEmpty(group);
    return new EventGroup({ ...this.#deps, onEmpty }, { key, name, place });
  }

  #afterEmpty(group: EventGroup): void {
    if (group.name === undefined) return this.#forget(group);
    if (this.find({ ...group.key, group: group.name }) !== group) return;
    this.#idle.add(group);
    group.idle().then(
      () => this.#settle(group),
      () => undefined,
    );
  }

  /** Forgets a group whose place is on disk and says all; of the others, those that were left the longest ago when they are too many. */
  #settle(group: EventGroup): void {
    if (!this.#idle.has(group)) return;
    if (!group.hasOpen) this.#forget(group);
    for (const oldest of this.#idle) {
      if (this.#idle.size <= limits.eventIdleGroupCountMax) return;
      this.#forget(oldest);
    }
  }

  #forget(group: EventGroup): void {
    group.retire();
    this.#idle.delete(group);
    const groups = this.#byTopic.get(toTopicId(group.key));
    if (groups === undefined) return;
    groups.unnamed.delete(group);
    if (group.name !== undefined && groups.named.get(group.name) === group) groups.named.delete(group.name);
    if (groups.named.size + groups.unnamed.size === 0) this.#byTopic.delete(toTopicId(group.key));
  }
}

/** Everything before the start is done. */
function toPlace(log: EventLog, key: TopicKey, start: StartPosition): GroupPlace {
  return { floor: toSequence(log, key, start) - 1, done: [] };
}

function tooMany(what: string, countMax: number, things: string): MicroError {
  return new MicroError("too_many_requests", `${what} has ${countMax} ${things}, which is the limit`);
}
