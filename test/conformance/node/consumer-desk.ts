import type { ConsumeOptions, Consumer, DeliveredEvent, Events } from "#interface/events.ts";

/** What a consumer is called there, and its batches. */
export interface DeskConsumer {
  readonly id: number;
  readonly batches: AsyncIterable<readonly DeliveredEvent[]>;
}

/** Consumers under numbers, for a program that can only be sent data and streams. */
export class ConsumerDesk {
  readonly #events: Pick<Events, "consume">;
  readonly #consumers = new Map<number, Consumer>();

  constructor(events: Pick<Events, "consume">) {
    this.#events = events;
  }

  consume(options: ConsumeOptions): DeskConsumer {
    const consumer = this.#events.consume(options);
    const id = this.#consumers.size;
    this.#consumers.set(id, consumer);
    return { id, batches: consumer };
  }

  acknowledge(id: number, sequences: readonly number[]): void {
    this.#consumers.get(id)?.acknowledge(sequences);
  }

  refuse(id: number, sequence: number, delayMs: number | undefined): void {
    this.#consumers.get(id)?.refuse(sequence, delayMs);
  }

  extend(id: number, sequences: readonly number[]): void {
    this.#consumers.get(id)?.extend(sequences);
  }

  giveBack(id: number, sequences: readonly number[]): void {
    this.#consumers.get(id)?.giveBack(sequences);
  }
}
