import type { ErrorCode } from "#base/error-code.ts";
import type { BatchNumber, Retention, TopicKey } from "#interface/events.ts";
import type { GroupKey } from "./event-log.ts";

/** Writes on their way to the writer. Their events go beside them as bytes, those of one run one behind the other. */
export interface PackedWrites {
  readonly writeCount: number;
  /**
   * Where in the bytes the heads begin, which are numbers (u32): of each write how many runs it has, and of each run those
   * of {@link PackedRun} in their order.
   */
  readonly headsAt: number;
  /** By index. */
  readonly topics: readonly TopicKey[];
  /** Ascending by write; those without any are left out. */
  readonly extras: readonly WriteExtras[];
}

/** Events of one write that go to one topic one behind the other: many without an id, or a single one with an id. */
export interface PackedRun {
  readonly topicIndex: number;
  /** Where its first record begins in the bytes. */
  readonly start: number;
  readonly recordBytes: number;
  /** Ids, metadata and payloads. */
  readonly contentBytes: number;
  readonly count: number;
  readonly hasId: boolean;
}

/** Numbers that a run takes among the heads. */
export const runHeadCount = 6;

/** What a write has besides events. */
export interface WriteExtras {
  readonly write: number;
  readonly batch?: BatchNumber;
  readonly namespace: string;
  /** Places of groups, and where in the bytes each lies. */
  readonly places: readonly (GroupKey & { readonly start: number; readonly end: number })[];
  readonly trims: readonly (TopicKey & { readonly upTo: number })[];
}

/** What the log asks its writer; each is answered once, in order. */
export type LogRequest =
  | { readonly kind: "commit"; readonly writes: PackedWrites; readonly nowMs: number }
  /** Removes events that are not to be kept, at most `countMax`. */
  | { readonly kind: "retain"; readonly countMax: number; readonly nowMs: number }
  | { readonly kind: "setRetention"; readonly key: TopicKey; readonly retention: Retention }
  | { readonly kind: "deleteTopic"; readonly key: TopicKey }
  | { readonly kind: "deleteGroup"; readonly key: GroupKey };

/** A write that was left out. */
export interface RefusedWrite {
  readonly write: number;
  readonly code: ErrorCode;
  readonly detail: string;
}

/** On disk. */
export interface CommittedWrites {
  readonly kind: "committed";
  /** Where the events went, of all writes that were not refused. */
  readonly places: EventPlaces;
  /** By index of the topic; undefined for one that does not exist because all its writes were refused. */
  readonly topics: readonly (AppendedTopic | undefined)[];
  readonly refused: readonly RefusedWrite[];
}

/**
 * Pairs that stand for events, in order: a place, and how many events have it and those behind it. The place of a single
 * event whose id an earlier one has is negative.
 */
export type EventPlaces = readonly number[];

export interface AppendedTopic {
  /** Ids that publishers did not give begin with it. */
  readonly idPrefix: string;
  /** The last place; undefined when nothing was appended. */
  readonly lastSequence: number | undefined;
}

export type LogReply =
  | CommittedWrites
  /** `isMore`: the limit was reached, there may be more to remove. */
  | { readonly kind: "retained"; readonly isMore: boolean }
  | { readonly kind: "changed" };
