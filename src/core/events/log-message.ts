import type { ErrorCode } from "#base/error-code.ts";
import type { BatchNumber, Retention, TopicKey } from "#interface/events.ts";
import type { GroupKey } from "./event-log.ts";

/** Writes on their way to the writer, packed into memory that changes hands without a copy. */
export interface PackedWrites {
  readonly writeCount: number;
  /** The records of all events, one behind the other. */
  readonly records: ArrayBuffer;
  /** Numbers (u32): of each write its number of events, and of each event the index of its topic and the length of its record. */
  readonly heads: ArrayBuffer;
  /** By index. */
  readonly topics: readonly TopicKey[];
  /** Ascending by write; those without any are left out. */
  readonly extras: readonly WriteExtras[];
}

/** What a write has besides events. */
export interface WriteExtras {
  readonly write: number;
  readonly batch: BatchNumber | undefined;
  readonly namespace: string;
  readonly places: readonly (GroupKey & { readonly bytes: Uint8Array })[];
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
  /** The place of each event (f64), in order; negative where an earlier event had its id, 0 in a write that was refused. */
  readonly sequences: ArrayBuffer;
  /** By index of the topic; undefined for one that does not exist because all its writes were refused. */
  readonly topics: readonly (AppendedTopic | undefined)[];
  readonly refused: readonly RefusedWrite[];
}

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
