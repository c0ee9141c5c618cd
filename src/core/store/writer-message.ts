import type { PackedGroup } from "./write-group.ts";

/** What the store asks its writer; each is answered once, in order. */
export type WriterRequest =
  | { readonly kind: "commit"; readonly group: PackedGroup; readonly nowMs: number }
  | { readonly kind: "purge"; readonly countMax: number; readonly nowMs: number };

/** A batch that was left out because an expected revision did not hold. */
export interface RefusedBatch {
  readonly batch: number;
  readonly key: string;
  readonly expectedRevision: number;
  readonly revision: number;
}

export type WriterReply =
  /** On disk. Batch `n` has revision `baseRevision + n + 1`, unless it was refused. */
  | { readonly kind: "committed"; readonly baseRevision: number; readonly refused: readonly RefusedBatch[] }
  | { readonly kind: "purged"; readonly count: number };
