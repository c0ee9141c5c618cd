import type { NewEvent, PublishedEvent, PublishedRun } from "#interface/events.ts";
import { makeId } from "./log-id.ts";

/** A run that still grows. */
export type GrowingRun = { -readonly [K in keyof PublishedRun]: PublishedRun[K] };

/** Where an event went, without its id. */
export interface EventPlace {
  /** Empty where the publisher gave the id. */
  readonly idPrefix: string;
  readonly sequence: number;
  readonly isDuplicate: boolean;
}

/** Adds the place of the next event to the runs of a batch. */
export function addToRuns(runs: GrowingRun[], { idPrefix, sequence, isDuplicate }: EventPlace): void {
  const last = runs.at(-1);
  const isNext =
    last !== undefined &&
    last.firstSequence + last.count === sequence &&
    last.idPrefix === idPrefix &&
    last.isDuplicate === isDuplicate;
  if (isNext) last.count += 1;
  else runs.push({ idPrefix, firstSequence: sequence, count: 1, isDuplicate });
}

/** The runs of a batch as one answer an event. @param events the batch */
export function toPublishedEvents(runs: readonly PublishedRun[], events: readonly NewEvent[]): PublishedEvent[] {
  const published: PublishedEvent[] = [];
  for (const { idPrefix, firstSequence, count, isDuplicate } of runs) {
    for (let sequence = firstSequence; sequence < firstSequence + count; sequence += 1) {
      const id = events[published.length]?.id ?? makeId(idPrefix, sequence);
      published.push({ id, sequence, isDuplicate });
    }
  }
  return published;
}
