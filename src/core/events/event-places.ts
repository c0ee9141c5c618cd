import type { EventPlaces } from "./log-message.ts";

/** Adds the place of the next events of a write. @param place negative: a single event whose id an earlier one has */
export function addPlaces(places: number[], place: number, count: number): void {
  const last = places.length - 2;
  const before = places[last] ?? 0;
  const countBefore = places[last + 1] ?? 0;
  if (before > 0 && before + countBefore === place) places[last + 1] = countBefore + count;
  else places.push(place, count);
}

/** Adds all of `more`. */
export function joinPlaces(places: number[], more: EventPlaces): void {
  for (let at = 0; at < more.length; at += 2) addPlaces(places, more[at] ?? 0, more[at + 1] ?? 0);
}

/** How many events the places stand for. */
export function countPlaces(places: EventPlaces): number {
  let count = 0;
  for (let at = 1; at < places.length; at += 2) count += places[at] ?? 0;
  return count;
}

/** Gives places out, from the first to the last. */
export class PlaceReader {
  readonly #places: EventPlaces;
  #at = 0;
  /** Given out of the pair at `#at`. */
  #given = 0;

  constructor(places: EventPlaces) {
    this.#places = places;
  }

  /** The place of the next event, and how many events follow it there, at most `countMax`; undefined at the end. */
  take(countMax: number): { readonly place: number; readonly count: number } | undefined {
    if (this.#at >= this.#places.length) return undefined;
    const place = (this.#places[this.#at] ?? 0) + this.#given;
    const left = (this.#places[this.#at + 1] ?? 0) - this.#given;
    const count = Math.min(left, countMax);
    this.#given += count;
    if (count === left) {
      this.#at += 2;
      this.#given = 0;
    }
    return { place, count };
  }
}

/** Places in the bytes that are kept: numbers of eight bytes each. */
export function encodePlaces(places: EventPlaces): Uint8Array {
  return new Uint8Array(Float64Array.from(places).buffer);
}

/** The counterpart of `encodePlaces`. */
export function decodePlaces(bytes: Uint8Array): EventPlaces {
  // A copy, because what the database gives may not begin where eight bytes are read at once.
  const kept = new Float64Array(new Uint8Array(bytes).buffer);
  const places: number[] = [];
  for (let at = 0; at < kept.length; at += 2) {
    const [place = 0, count = 0] = kept.subarray(at, at + 2);
    if (place > 0) places.push(place, count);
    // Earlier versions kept several of these together, as in -7, 2 for -7 and -6.
    else for (let index = 0; index < count; index += 1) places.push(place + index, 1);
  }
  return places;
}
