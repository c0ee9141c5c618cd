import { backoffMs } from "#base/backoff.ts";
import type { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import type { BatchNumber } from "#interface/events.ts";
import type { Caller } from "./caller.ts";
import type { EventBatch } from "./events-batch.ts";
import { isTransient } from "./events-wire.ts";

export interface RecoveryDeps {
  readonly caller: Caller;
  readonly nextNumber: () => BatchNumber;
  /** Numbers begin anew, under another name: what was sent under the old one can no longer be appended. */
  readonly restart: () => void;
}

const retryBackoff = { initialMs: 50, maxMs: 2_000 } as const;

/**
 * Brings batches to an end whose last attempts have failed, in their order, one at a time, so that none is appended
 * before the one in front of it is. What was perhaps appended is sent again as it was, and the server knows it by its
 * number; what was surely not may be divided and get other numbers. Never rejects: each failure goes to its event.
 */
export async function recoverBatches(failed: readonly EventBatch[], deps: RecoveryDeps): Promise<void> {
  let open = [...failed];
  for (let batch = open.shift(); batch !== undefined; batch = open.shift()) {
    const end = await recoverOne(batch, deps.caller);
    if (end.kind === "published") continue;
    // The batches behind this one were not appended either, as the server takes them in order. Only where nobody knows
    // what became of this one, nobody knows it of those that were perhaps sent.
    const lost = batch.isDoubtful ? open.filter(({ isDoubtful }) => isDoubtful) : [];
    for (const each of lost) each.reject(end.failure);
    open = [...end.again, ...open.filter((each) => !lost.includes(each))];
    deps.restart();
    for (const each of open) each.renumber(deps.nextNumber());
  }
}

type End =
  | { readonly kind: "published" }
  /** The batch as it was is given up; `again` holds what of it may be sent under other numbers. */
  | { readonly kind: "given_up"; readonly failure: MicroError; readonly again: readonly EventBatch[] };

async function recoverOne(batch: EventBatch, caller: Caller): Promise<End> {
  let failure: MicroError | undefined;
  for (let attempt = 0; ; attempt += 1) {
    // That time was up says less than what was heard before.
    if (failure === undefined || batch.failure?.code !== "timeout") failure = batch.failure;
    if (failure !== undefined) {
      // At first it may only mean that the batch before this one had failed, too.
      const isGap = failure.code === "failed_precondition";
      if (!isTransient(failure) && !(isGap && attempt === 0)) return giveUp(batch, failure);
      if (!isGap) await delay(backoffMs(attempt + 1, retryBackoff));
      if (!batch.expire(failure)) return { kind: "given_up", failure, again: [] };
    }
    if (await batch.send(caller)) return { kind: "published" };
  }
}

/** A batch that was refused, and would be again. */
function giveUp(batch: EventBatch, failure: MicroError): End {
  const isAboutEvents = failure.code === "invalid_argument" || failure.code === "payload_too_large";
  // The server no longer knows the batches before, as after a long pause, or when it came back from a backup.
  const isForgotten = failure.code === "failed_precondition" && batch.number > 1 && !batch.isDoubtful;
  if (isForgotten) return { kind: "given_up", failure, again: [batch] };
  // A batch is taken as a whole or not at all: its halves are sent apart, until those are found that are refused.
  if (isAboutEvents && batch.count > 1) return { kind: "given_up", failure, again: batch.halve() };
  batch.reject(failure);
  return { kind: "given_up", failure, again: [] };
}
