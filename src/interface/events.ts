import type { Metadata } from "#base/metadata.ts";

/** A topic of a namespace. */
export interface TopicKey {
  readonly namespace: string;
  readonly topic: string;
}

/** An event on its way into a topic. */
export interface NewEvent {
  readonly topic: string;
  /** An event with the id of an earlier one of the topic is not appended again. Absent: the driver makes one. */
  readonly id?: string;
  readonly payload: Uint8Array;
  readonly metadata?: Metadata;
  /** When it happened, milliseconds since the epoch. @default now */
  readonly timestampMs?: number;
}

/** Where an event went. */
export interface PublishedEvent {
  readonly id: string;
  /** Its place in the topic, from 1 on, without gaps. */
  readonly sequence: number;
  /** True when an earlier event had this id: nothing was appended, and `sequence` is that of the earlier one. */
  readonly isDuplicate: boolean;
}

/** One of the batches of a publisher, which are appended in the order of their numbers. */
export interface BatchNumber {
  /** Random, 1 to limits.eventPublisherIdLengthMax characters. */
  readonly publisher: string;
  /** 1, 2, 3 and so on. */
  readonly number: number;
}

/** Where events went that came one behind the other and lie so in their topic. */
export interface PublishedRun {
  /** Their ids are this, a hyphen, and their place. Empty: they have the ids that were given. */
  readonly idPrefix: string;
  /** Place of the first. */
  readonly firstSequence: number;
  readonly count: number;
  /** As in PublishedEvent. */
  readonly isDuplicate: boolean;
}

/** An event as it is kept. */
export interface StoredEvent extends TopicKey {
  readonly id: string;
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly metadata: Metadata;
  /** When it happened, milliseconds since the epoch. */
  readonly timestampMs: number;
}

/** An event on its way to a consumer. */
export interface DeliveredEvent extends StoredEvent {
  /** How often it was sent to this group, with this time. */
  readonly attempt: number;
}

/** Where reading begins. A time means the first event that arrived then or later. */
export type StartPosition =
  | { readonly kind: "earliest" }
  | { readonly kind: "latest" }
  | { readonly kind: "sequence"; readonly sequence: number }
  | { readonly kind: "time"; readonly timestampMs: number };

export interface ConsumeOptions extends TopicKey {
  /** Members of one group share the events, and the group's place is kept. Absent: a reader of its own, forgotten when it leaves. */
  readonly group?: string;
  /** Where a group that has read nothing yet begins, or a reader of its own. A place or a time moves a known group there, unless other members are connected. @default latest */
  readonly start?: StartPosition;
  /** An event counts as done when it is sent. @default false */
  readonly isAutoAck?: boolean;
  /** An event that is not acknowledged within this time is sent again, milliseconds. @default limits.eventAckWaitMs */
  readonly ackWaitMs?: number;
  /** How often an event is sent again before it is a dead letter; -1 is for ever. @default limits.eventRetryCountMax */
  readonly retryCountMax?: number;
  /** Events that may be under way to this consumer. @default limits.eventPendingCountMax */
  readonly pendingCountMax?: number;
  readonly signal?: AbortSignal;
}

/**
 * One member of a group. Read it to get events, in batches of at least one; it ends when `signal` aborts or the reader
 * leaves. What it did not acknowledge goes to the other members.
 */
export interface Consumer extends AsyncIterable<readonly DeliveredEvent[]> {
  /** Places of events that are done. Unknown ones are no error: they may have been given to somebody else. */
  acknowledge(sequences: readonly number[]): void;
  /** An event that could not be handled: it is sent again after `delayMs`, or after the group's back-off. */
  refuse(sequence: number, delayMs?: number): void;
  /** Events that wait for their turn at the consumer: the time to acknowledge them begins anew. */
  extend(sequences: readonly number[]): void;
  /**
   * Events that were not begun: they go to others as if they had not been sent, which counts as no attempt. For a consumer
   * that is about to leave; it gets no more.
   */
  giveBack(sequences: readonly number[]): void;
}

/** How long a topic keeps events: one goes when any of the limits says so. */
export interface Retention {
  readonly ageMs?: number;
  readonly bytes?: number;
  readonly count?: number;
}

export interface TopicState {
  readonly name: string;
  /** Place of the oldest event that is kept; 0 when there is none. */
  readonly firstSequence: number;
  /** Place of the newest event that ever was; 0 when there was none. */
  readonly lastSequence: number;
  readonly count: number;
  /** Payloads, metadata and ids that are kept. */
  readonly bytes: number;
  readonly retention: Retention;
}

export interface GroupState {
  readonly name: string;
  readonly topic: string;
  /** Every event up to this place is done. */
  readonly sequence: number;
  /** Events behind that place that exist. */
  readonly lag: number;
  /** Events that were sent and are not acknowledged. */
  readonly pending: number;
  /** Members that are connected. */
  readonly consumers: number;
  /** Events that were given up and wait in the group's dead-letter topic. */
  readonly dead: number;
}

export interface EventQuery extends TopicKey {
  /** @default earliest */
  readonly start?: StartPosition;
  /** Skipped first. @default 0 */
  readonly offset?: number;
  /** At most so many. @default limits.eventReadCountDefault */
  readonly limit?: number;
}

/**
 * Ordered topics that are kept on disk. What `publish` acknowledged survives the death of the process and of the machine;
 * every group sees each event at least once, in the order of the topic.
 */
export interface Events {
  /**
   * Appends all or none, in this order, and answers when they are on disk.
   *
   * @throws MicroError `invalid_argument` for a bad topic or id, `payload_too_large`, `too_many_requests` when the disk does
   * not keep up, `unavailable` when it refuses.
   */
  publish(namespace: string, events: readonly NewEvent[]): Promise<readonly PublishedEvent[]>;
  /**
   * The same for a publisher that may send a batch again: one of the last `limits.eventPublisherBatchesKept` that comes
   * again with the same events, within `limits.eventPublisherKeptMs`, gets the answer of the first time, and nothing is
   * appended. A batch waits a short time for the one before it.
   *
   * @throws MicroError as `publish`; `conflict` for an older batch; `failed_precondition` when the one before it was not
   * appended, and then this one is not either.
   */
  publishBatch(namespace: string, batch: BatchNumber, events: readonly NewEvent[]): Promise<readonly PublishedRun[]>;
  /** A part of a topic's history, oldest first; nothing for a topic that is not there. */
  read(query: EventQuery): Promise<readonly StoredEvent[]>;
  /** Joins a group. @throws MicroError `invalid_argument`; `too_many_requests` when the group has too many members. */
  consume(options: ConsumeOptions): Consumer;
  /** Acknowledges without a consumer at hand, on disk when it answers. @throws MicroError `not_found` for what is not under way. */
  acknowledge(key: TopicKey & { readonly group: string }, ids: readonly string[]): Promise<void>;
  /** The counterpart of `Consumer.refuse`. @throws MicroError `not_found` */
  refuse(key: TopicKey & { readonly group: string }, id: string, delayMs?: number): Promise<void>;
  topics(namespace: string): Promise<readonly TopicState[]>;
  groups(namespace: string, topic?: string): Promise<readonly GroupState[]>;
  setRetention(key: TopicKey, retention: Retention): Promise<void>;
  deleteTopic(key: TopicKey): Promise<void>;
  /** @throws MicroError `conflict` while consumers are connected. */
  deleteGroup(key: TopicKey & { readonly group: string }): Promise<void>;
  /**
   * Gives the dead letters of a group to it once more, oldest first, and says how many.
   *
   * @param countMax 0 or absent: all
   * @throws MicroError `not_found` when there is no such group.
   */
  redrive(key: TopicKey & { readonly group: string }, countMax?: number): Promise<number>;
}

/** Where the dead letters of a group go: a topic like any other. */
export function deadLetterTopic(topic: string, group: string): string {
  return `${topic}.dead.${group}`;
}
