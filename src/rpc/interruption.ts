/**
 * One event that may cut waits short, one wait at a time. Unlike `Promise.race` against a promise that lives as long as
 * a stream, it keeps nothing of the waits that are over.
 */
export class Interruption {
  #reason: { readonly value: unknown } | undefined;
  #reject: ((reason: unknown) => void) | undefined;

  /** The wait that stands, and every later one, fails with `reason`. The first reason stays. */
  interrupt(reason: unknown): void {
    if (this.#reason !== undefined) return;
    this.#reason = { value: reason };
    this.#reject?.(reason);
    this.#reject = undefined;
  }

  /** The outcome of `work`, or the reason of the interruption when that comes first. */
  until<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject);
      if (this.#reason === undefined) this.#reject = reject;
      else reject(this.#reason.value);
    });
  }
}
