import { MinHeap } from "#base/min-heap.ts";
import type { Delivery } from "./delivery.ts";

/** Events of a group that have to be sent once more: at once, the oldest first, or when their time has come. */
export class RedeliveryQueue {
  readonly #ready = new MinHeap<Delivery>((each) => each.sequence);
  readonly #delayed = new MinHeap<Delivery>((each) => each.dueAtMs);

  get readyCount(): number {
    return this.#ready.size;
  }

  /** When the next delayed one is ready, milliseconds since the epoch; `Infinity` when there is none. */
  get nextAtMs(): number {
    return this.#delayed.peek()?.dueAtMs ?? Number.POSITIVE_INFINITY;
  }

  addReady(delivery: Delivery): void {
    delivery.stage = "ready";
    this.#ready.push(delivery);
  }

  addDelayed(delivery: Delivery, dueAtMs: number): void {
    delivery.stage = "delayed";
    delivery.dueAtMs = dueAtMs;
    this.#delayed.push(delivery);
  }

  /** Makes ready what has waited long enough; true when there was something. */
  advance(nowMs: number): boolean {
    let hasMoved = false;
    while (this.nextAtMs <= nowMs) {
      const delivery = this.#delayed.pop();
      if (delivery !== undefined) this.addReady(delivery);
      hasMoved = true;
    }
    return hasMoved;
  }

  /** Takes out what is ready, ascending, as many as fit both limits but at least one. */
  take(countMax: number, bytesMax: number): Delivery[] {
    const taken: Delivery[] = [];
    let bytes = 0;
    while (taken.length < countMax) {
      const next = this.#ready.peek();
      if (next === undefined) break;
      bytes += next.bytes;
      if (bytes > bytesMax && taken.length > 0) break;
      this.#ready.pop();
      taken.push(next);
    }
    return taken;
  }

  remove(delivery: Delivery): void {
    if (delivery.stage === "ready") this.#ready.remove(delivery);
    if (delivery.stage === "delayed") this.#delayed.remove(delivery);
  }
}
