import { limits } from "#base/limits.ts";
import type { BatchNumber, PublishedRun } from "#interface/events.ts";
import { isNextBatch, slotOf } from "./batch-order.ts";

interface KeptBatch {
  readonly number: number;
  readonly runs: readonly PublishedRun[];
}

/** The last batches of publishers, for the memory log. A publisher that was not heard of for long gives way to others. */
export class MemoryBatches {
  /** By namespace and publisher, then by slot. Who was heard of last is last. */
  readonly #kept = new Map<string, Map<number, KeptBatch>>();

  /** The answer to a batch that was appended before. @throws MicroError as `Events.publishBatch`. */
  find(namespace: string, batch: BatchNumber): readonly PublishedRun[] | undefined {
    const slots = this.#kept.get(`${namespace}/${batch.publisher}`);
    if (isNextBatch(batch, (slot) => slots?.get(slot)?.number)) return undefined;
    return slots?.get(slotOf(batch.number))?.runs;
  }

  keep(namespace: string, { publisher, number }: BatchNumber, runs: readonly PublishedRun[]): void {
    const key = `${namespace}/${publisher}`;
    const slots = this.#kept.get(key) ?? new Map<number, KeptBatch>();
    slots.set(slotOf(number), { number, runs });
    this.#kept.delete(key);
    this.#kept.set(key, slots);
    if (this.#kept.size <= limits.eventPublisherTurnsMax) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}
