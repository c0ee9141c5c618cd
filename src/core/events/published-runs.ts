import type { PlaceReader } from "./event-places.ts";
import type { NewEvent, PublishedEvent, PublishedRun } from "#interface/events.ts";
import { makeId } from "./log-id.ts";

/** A run that still grows. */
export type GrowingRun = { -readonly [K in keyof PublishedRun]: PublishedRun[K] };

/** Adds what became of the next events of a batch. */
export function addToRuns(runs: GrowingRun[], next: PublishedRun): void {
  const last = runs.at(-1);
  const isNext =
    last !== undefined &&
    last.firstSequence + last.count === next.firstSequence &&
    last.idPrefix === next.idPrefix &&
    last.isDuplicate === next.isDuplicate;
  if (isNext) last.count += next.count;
  else runs.push({ ...next });
}

/** Adds what became of the next events, whose ids begin with `idPrefix`; empty where the publisher gave them. */
export function addPlacesToRuns(runs: GrowingRun[], idPrefix: string, count: number, places: PlaceReader): void {
  for (let open = count; open > 0;) {
    const next = places.take(open);
    if (next === undefined) return;
    const { place } = next;
    addToRuns(runs, { idPrefix, firstSequence: Math.abs(place), count: next.count, isDuplicate: place < 0 });
    open -= next.count;
  }
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
