import { stopAll, type Stoppable } from "#base/lifecycle.ts";

/** What a server is made of, in the order in which it was made. */
export class OwnedParts implements Stoppable {
  readonly #parts: Stoppable[] = [];

  /** Takes a part over: it is stopped with the others, after those that were made later. */
  own<T extends Stoppable>(part: T): T {
    this.#parts.push(part);
    return part;
  }

  /** @throws the first failure, after all have been stopped. */
  stop(): Promise<void> {
    return stopAll(this.#parts.splice(0));
  }
}
