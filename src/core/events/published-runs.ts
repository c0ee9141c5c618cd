import type { NewEvent, PublishedEvent, PublishedRun } from "#interface/events.ts";
import { makeId } from "./log-id.ts";
import type { EventPlaces } from "./log-message.ts";

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

/**
 * What became of the events of a batch.
 *
 * @param named what the ids of the events begin with, empty where the publisher gave them
 * @param places where the same events went; what follows one another may be cut up otherwise
 */
export function toPublishedRuns(
  named: readonly { readonly idPrefix: string; readonly count: number }[],
  places: EventPlaces,
): readonly PublishedRun[] {
  const runs: GrowingRun[] = [];
  let at = 0;
  let taken = 0;
  for (const { idPrefix, count } of named) {
    for (let open = count; open > 0 && at < places.length;) {
      const [place = 0, placeCount = 0] = places.slice(at, at + 2);
      const step = Math.min(open, placeCount - taken);
      addToRuns(runs, { idPrefix, firstSequence: Math.abs(place) + taken, count: step, isDuplicate: place < 0 });
      open -= step;
      taken += step;
      if (taken < placeCount) continue;
      at += 2;
      taken = 0;
    }
  }
  return runs;
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
