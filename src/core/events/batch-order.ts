import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { BatchNumber } from "#interface/events.ts";

/** Where the answer to a batch is kept, in the place of one that is too old. */
export function slotOf(number: number): number {
  return number % limits.eventPublisherBatchesKept;
}

/**
 * Says whether a batch is the next one of its publisher (true), or one whose answer is kept (false).
 *
 * @param numberAt number of the batch whose answer is in a slot
 * @throws MicroError as `Events.publishBatch`
 */
export function isNextBatch({ number }: BatchNumber, numberAt: (slot: number) => number | undefined): boolean {
  const kept = numberAt(slotOf(number)) ?? 0;
  if (kept === number) return false;
  if (kept > number) throw new MicroError("conflict", `batch ${number} of this publisher was appended long ago`);
  if (number === 1 || numberAt(slotOf(number - 1)) === number - 1) return true;
  throw new MicroError("failed_precondition", `batch ${number - 1} of this publisher was not appended`);
}
