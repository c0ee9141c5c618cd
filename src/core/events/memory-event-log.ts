import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { PublishedEvent, PublishedRun, Retention, StoredEvent, TopicKey, TopicState } from "#interface/events.ts";
import type { EventLog, GroupKey, GroupPlace, LogWrite } from "./event-log.ts";
import { MemoryBatches } from "./memory-batches.ts";
import { MemoryTopic } from "./memory-topic.ts";
import { addToRuns, toPublishedEvents, type GrowingRun } from "./published-runs.ts";
import { toTopicId } from "./topic-id.ts";

type KeptPlace = GroupKey & { readonly place: GroupPlace };

/** Topics in memory, gone with the process: for tests, and for servers that shall leave no trace. */
export class MemoryEventLog implements EventLog {
  readonly #clock: Clock;
  readonly #topics = new Map<string, MemoryTopic>();
  /** By topic, then by group. */
  readonly #places = new Map<string, Map<string, KeptPlace>>();
  readonly #batches = new MemoryBatches();
  readonly #listeners = new Set<(key: TopicKey, lastSequence: number) => void>();
  #isClosed = false;

  constructor(deps: { readonly clock: Clock }) {
    this.#clock = deps.clock;
  }

  async write(write: LogWrite): Promise<readonly PublishedEvent[]> {
    return toPublishedEvents(await this.append(write), write.events);
  }

  async append({ namespace, events, batch, places = [], trims = [] }: LogWrite): Promise<readonly PublishedRun[]> {
    if (this.#isClosed) throw new MicroError("unavailable", "the event log is closed");
    const earlier = batch === undefined ? undefined : this.#batches.find(namespace, batch);
    if (earlier !== undefined) return earlier;
    const appended = new Set<MemoryTopic>();
    const runs: GrowingRun[] = [];
    for (const event of events) {
      const topic = this.#provide({ namespace, topic: event.topic });
      const { sequence, isDuplicate } = topic.append(event, this.#clock.now());
      if (!isDuplicate) appended.add(topic);
      const idPrefix = event.id === undefined ? topic.idPrefix : "";
      addToRuns(runs, { idPrefix, firstSequence: sequence, count: 1, isDuplicate });
    }
    if (batch !== undefined) this.#batches.keep(namespace, batch, runs);
    for (const each of places) this.#keep(each);
    for (const each of trims) this.#topics.get(toTopicId(each))?.trim(each.upTo);
    for (const topic of appended) topic.enforce(this.#clock.now());
    // Like a log on disk: who wrote and who listens is told when the caller's turn is over.
    await Promise.resolve();
    for (const topic of appended) {
      for (const listener of this.#listeners) listener(topic.key, topic.state().lastSequence);
    }
    return runs;
  }

  read(
    key: TopicKey,
    from: { readonly sequence: number; readonly countMax: number; readonly bytesMax: number },
  ): readonly StoredEvent[] {
    return this.#fresh(key)?.read(from) ?? [];
  }

  readAt(key: TopicKey, sequences: readonly number[]): readonly StoredEvent[] {
    const topic = this.#fresh(key);
    return sequences.map((each) => topic?.at(each)).filter((each) => each !== undefined);
  }

  sequenceAt(key: TopicKey, timestampMs: number): number {
    return this.#fresh(key)?.sequenceAt(timestampMs) ?? 1;
  }

  topic(key: TopicKey): TopicState | undefined {
    return this.#fresh(key)?.state();
  }

  topics(namespace: string): readonly TopicState[] {
    return [...this.#topics.values()]
      .filter(({ key }) => key.namespace === namespace)
      .map(({ key }) => this.topic(key))
      .filter((each) => each !== undefined)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  place(key: GroupKey): GroupPlace | undefined {
    return this.#places.get(toTopicId(key))?.get(key.group)?.place;
  }

  groups(key: TopicKey): readonly KeptPlace[] {
    const kept = [...(this.#places.get(toTopicId(key))?.values() ?? [])];
    return kept.toSorted((a, b) => (a.group < b.group ? -1 : 1));
  }

  async setRetention(key: TopicKey, retention: Retention): Promise<void> {
    const topic = this.#provide(key);
    topic.setRetention(retention);
    topic.enforce(this.#clock.now());
    await Promise.resolve();
  }

  async deleteTopic(key: TopicKey): Promise<void> {
    this.#topics.delete(toTopicId(key));
    this.#places.delete(toTopicId(key));
    await Promise.resolve();
  }

  async deleteGroup(key: GroupKey): Promise<void> {
    this.#places.get(toTopicId(key))?.delete(key.group);
    await Promise.resolve();
  }

  onAppend(listener: (key: TopicKey, lastSequence: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.resolve();
  }

  /** A topic without what became too old since it was last looked at. */
  #fresh(key: TopicKey): MemoryTopic | undefined {
    const topic = this.#topics.get(toTopicId(key));
    topic?.enforce(this.#clock.now());
    return topic;
  }

  #provide({ namespace, topic }: TopicKey): MemoryTopic {
    const id = toTopicId({ namespace, topic });
    const known = this.#topics.get(id);
    if (known !== undefined) return known;
    const made = new MemoryTopic({ namespace, topic });
    this.#topics.set(id, made);
    return made;
  }

  #keep({ namespace, topic, group, place }: KeptPlace): void {
    const id = toTopicId({ namespace, topic });
    const groups = this.#places.get(id) ?? new Map<string, KeptPlace>();
    this.#places.set(id, groups);
    groups.set(group, { namespace, topic, group, place });
  }
}
