import type {
  BatchNumber,
  NewEvent,
  PublishedEvent,
  PublishedRun,
  Retention,
  StoredEvent,
  TopicKey,
  TopicState,
} from "#interface/events.ts";

/** A group of a topic. */
export interface GroupKey extends TopicKey {
  readonly group: string;
}

/** What is kept of a group: every event up to `floor` is done, and of those behind it the ones in `done`. A log only keeps it. */
export interface GroupPlace {
  readonly floor: number;
  /**
   * Ranges, because thousands may be done behind one that is not: the first place of a range, then the one behind its
   * last, and so on. Strictly ascending, all above `floor`.
   */
  readonly done: readonly number[];
}

/** What is written together with, or without, new events; all or none of it is done. */
export interface LogWrite {
  readonly namespace: string;
  readonly events: readonly NewEvent[];
  /** Makes the write one that may come again, as in `Events.publishBatch`. */
  readonly batch?: BatchNumber;
  /** New places of groups; they are written after the events. */
  readonly places?: readonly (GroupKey & { readonly place: GroupPlace })[];
  /** Topics whose events up to a place are removed in the same commit. */
  readonly trims?: readonly (TopicKey & { readonly upTo: number })[];
}

/**
 * The durable part of events: topics, and how far groups have come. It knows nothing of consumers; those are served from
 * it by the group coordinator.
 *
 * Reads are answered at once, from the calling thread, and see what was acknowledged.
 */
export interface EventLog {
  /** Answers when all is on disk, one entry an event. @throws MicroError as `Events.publish`. */
  write(write: LogWrite): Promise<readonly PublishedEvent[]>;
  /** The same, with an answer in short. @throws MicroError as `Events.publishBatch`. */
  append(write: LogWrite): Promise<readonly PublishedRun[]>;
  /** Events from a place on, ascending, as many as fit both limits but at least one where there is one. */
  read(
    key: TopicKey,
    from: { readonly sequence: number; readonly countMax: number; readonly bytesMax: number },
  ): readonly StoredEvent[];
  /** Single events by their places, ascending; those that are gone are left out. */
  readAt(key: TopicKey, sequences: readonly number[]): readonly StoredEvent[];
  /** Place of the first event that arrived at this time or later; one behind the last when there is none. */
  sequenceAt(key: TopicKey, timestampMs: number): number;
  /** Undefined for a topic that is not there. */
  topic(key: TopicKey): TopicState | undefined;
  /** Ordered by name. */
  topics(namespace: string): readonly TopicState[];
  /** Undefined for a group that has no place yet. */
  place(key: GroupKey): GroupPlace | undefined;
  /** Groups that have a place, ordered by name. */
  groups(key: TopicKey): readonly (GroupKey & { readonly place: GroupPlace })[];
  setRetention(key: TopicKey, retention: Retention): Promise<void>;
  deleteTopic(key: TopicKey): Promise<void>;
  deleteGroup(key: GroupKey): Promise<void>;
  /** Called after a commit that appended to a topic, with its last place. Returns what ends it. */
  onAppend(listener: (key: TopicKey, lastSequence: number) => void): () => void;
  close(): Promise<void>;
}
