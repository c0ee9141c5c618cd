import type { Consumer, DeliveredEvent } from "#interface/events.ts";

/** Reads a consumer event by event, as a test wants it. */
export class EventReader {
  readonly #consumer: Consumer;
  readonly #batches: AsyncIterator<readonly DeliveredEvent[]>;
  readonly #waiting: DeliveredEvent[] = [];
  #asked: Promise<IteratorResult<readonly DeliveredEvent[]>> | undefined;

  constructor(consumer: Consumer) {
    this.#consumer = consumer;
    this.#batches = consumer[Symbol.asyncIterator]();
    // Some consumers join when they are first read.
    this.#ask().catch(() => undefined);
  }

  /** The next event. @throws what the consumer throws, and an Error when it has ended. */
  async next(): Promise<DeliveredEvent> {
    for (;;) {
      const event = this.#waiting.shift();
      if (event !== undefined) return event;
      const { done, value } = await this.#ask();
      this.#asked = undefined;
      if (done === true) throw new Error("the consumer has ended");
      this.#waiting.push(...value);
    }
  }

  /** The next so many events. */
  async take(count: number): Promise<DeliveredEvent[]> {
    const events: DeliveredEvent[] = [];
    while (events.length < count) events.push(await this.next());
    return events;
  }

  /** The next so many events, acknowledged one by one. */
  async takeAndAcknowledge(count: number): Promise<DeliveredEvent[]> {
    const events: DeliveredEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      this.#consumer.acknowledge([event.sequence]);
      events.push(event);
    }
    return events;
  }

  acknowledge(...events: readonly { readonly sequence: number }[]): void {
    this.#consumer.acknowledge(events.map((each) => each.sequence));
  }

  refuse({ sequence }: { readonly sequence: number }, delayMs?: number): void {
    this.#consumer.refuse(sequence, delayMs);
  }

  extend({ sequence }: { readonly sequence: number }): void {
    this.#consumer.extend([sequence]);
  }

  giveBack({ sequence }: { readonly sequence: number }): void {
    this.#consumer.giveBack([sequence]);
  }

  /** True when the consumer has ended without an error. */
  async hasEnded(): Promise<boolean> {
    return (await this.#ask()).done === true;
  }

  async leave(): Promise<void> {
    // A consumer on the wire hears of its end as of an answer to what it asked.
    this.#ask().catch(() => undefined);
    await this.#batches.return?.();
  }

  /** Asks only once while nothing has come, because a consumer has one reader at a time. */
  #ask(): Promise<IteratorResult<readonly DeliveredEvent[]>> {
    this.#asked ??= this.#batches.next();
    return this.#asked;
  }
}
