import type { Clock } from "#base/clock.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import type { StoredEvent, TopicKey } from "#interface/events.ts";
import type { Delivery, DeliveryHolder } from "./delivery.ts";
import type { EventLog, GroupPlace } from "./event-log.ts";
import { createForgetfulKeeper, LogKeeper, type GroupKeeper } from "./group-keeper.ts";
import { GroupProgress } from "./group-progress.ts";
import { readNew } from "./read-new.ts";
import { RedeliveryQueue } from "./redelivery-queue.ts";
import { withoutMark } from "./reserved-metadata.ts";

export interface GroupDeliveriesDeps {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface GroupStart {
  readonly key: TopicKey;
  /** Undefined: a reader of its own, of which nothing is kept. */
  readonly name: string | undefined;
  readonly place: GroupPlace;
}

/** An event to be sent; with its delivery when it was sent before. */
export interface Sending {
  readonly event: StoredEvent;
  readonly delivery: Delivery | undefined;
}

/** Which events a group sends next, and what becomes of those that were sent. Who gets them is not its business. */
export class GroupDeliveries {
  readonly #log: EventLog;
  readonly #clock: Clock;
  readonly #key: TopicKey;
  readonly #group: string | undefined;
  readonly #keeper: GroupKeeper;
  #queue = new RedeliveryQueue();
  #progress: GroupProgress;
  /** The newest event of the topic, as far as we were told. */
  #lastSequence: number;

  constructor({ log, clock, logger }: GroupDeliveriesDeps, { key, name, place }: GroupStart) {
    this.#log = log;
    this.#clock = clock;
    this.#key = key;
    this.#group = name;
    this.#progress = new GroupProgress(place);
    this.#lastSequence = log.topic(key)?.lastSequence ?? 0;
    const progress = (): GroupProgress => this.#progress;
    this.#keeper =
      name === undefined
        ? createForgetfulKeeper(progress)
        : new LogKeeper({ log, logger, key: { ...key, group: name }, progress });
  }

  /** Saves how far the group is. */
  get keeper(): GroupKeeper {
    return this.#keeper;
  }

  /** Every event up to this place is done. */
  get floor(): number {
    return this.#progress.floor;
  }

  get openCount(): number {
    return this.#progress.openCount;
  }

  /** When the next delayed event may be sent, milliseconds since the epoch; `Infinity` when there is none. */
  get nextAtMs(): number {
    return this.#queue.nextAtMs;
  }

  find(sequence: number): Delivery | undefined {
    return this.#progress.find(sequence);
  }

  findById(id: string): Delivery | undefined {
    return this.#progress.findById(id);
  }

  /** The topic has grown. */
  grow(lastSequence: number): void {
    this.#lastSequence = Math.max(this.#lastSequence, lastSequence);
  }

  /** Goes on from another place, as if nothing had been sent. */
  moveTo(place: GroupPlace): void {
    this.#progress = new GroupProgress(place);
    this.#queue = new RedeliveryQueue();
    this.#keeper.mark();
  }

  /** Makes ready what has waited long enough. */
  advance(): void {
    this.#queue.advance(this.#clock.now());
  }

  /** What comes next: what has to be sent again, then what is new. */
  next(countMax: number): readonly Sending[] {
    const again = this.#readAgain(countMax);
    if (again.length > 0 || !this.canReadNew) return again;
    const { events, hasPassed } = readNew(this.#log, this.#progress, {
      key: this.#key,
      group: this.#group,
      countMax: Math.min(countMax, this.#free),
      bytesMax: limits.eventReadBytesMax,
      lastSequence: this.#lastSequence,
    });
    if (hasPassed) this.#keeper.mark();
    return events.map((event) => ({ event, delivery: undefined }));
  }

  /** True when the topic has events that were not looked at, and the group may begin more of them. */
  get canReadNew(): boolean {
    return this.#free > 0 && this.#progress.nextSequence <= this.#lastSequence;
  }

  /** Notes that an event is with somebody. New ones come in the order of the topic. */
  send({ event, delivery = this.#progress.open(event) }: Sending, holder: DeliveryHolder, dueAtMs: number): Delivery {
    delivery.attempt += 1;
    delivery.stage = "sent";
    delivery.holder = holder;
    delivery.dueAtMs = dueAtMs;
    holder.pending.set(delivery.sequence, delivery);
    return delivery;
  }

  /** It is done, wherever it is. The place is not saved by that. */
  finish(delivery: Delivery): void {
    delivery.holder?.pending.delete(delivery.sequence);
    this.#queue.remove(delivery);
    delivery.holder = undefined;
    delivery.stage = "finished";
    this.#progress.finish(delivery);
  }

  /** An event that was sent comes back: it is sent again, or is a dead letter when that was tried often enough. */
  takeBack(
    delivery: Delivery,
    holder: DeliveryHolder,
    { reason, dueAtMs = 0 }: { readonly reason: string; readonly dueAtMs?: number },
  ): void {
    const { retryCountMax } = holder.config;
    const isGivenUp = retryCountMax !== -1 && delivery.attempt > retryCountMax;
    if (!isGivenUp && dueAtMs <= this.#clock.now()) return this.putBack(delivery);
    holder.pending.delete(delivery.sequence);
    delivery.holder = undefined;
    if (!isGivenUp) return this.#queue.addDelayed(delivery, dueAtMs);
    delivery.stage = "given_up";
    this.#keeper.giveUp(delivery, reason);
  }

  /** An event that was sent is sent again at once, however often that was. */
  putBack(delivery: Delivery): void {
    delivery.holder?.pending.delete(delivery.sequence);
    delivery.holder = undefined;
    this.#queue.addReady(delivery);
  }

  get #free(): number {
    return limits.eventUnfinishedCountMax - this.#progress.openCount;
  }

  #readAgain(countMax: number): readonly Sending[] {
    let sendings: readonly Sending[] = [];
    while (sendings.length === 0 && this.#queue.readyCount > 0) {
      const deliveries = this.#queue.take(countMax, limits.eventReadBytesMax);
      try {
        sendings = this.#toSendings(deliveries);
      } catch (reason) {
        for (const each of deliveries) this.#queue.addReady(each);
        throw reason;
      }
    }
    return sendings;
  }

  /** Of those that the topic still has; what its retention has removed is done. */
  #toSendings(deliveries: readonly Delivery[]): readonly Sending[] {
    const sequences = deliveries.map((each) => each.sequence);
    const events = new Map(this.#log.readAt(this.#key, sequences).map((event) => [event.sequence, event]));
    if (events.size < deliveries.length) this.#keeper.mark();
    return deliveries.flatMap((delivery) => {
      const event = events.get(delivery.sequence);
      if (event !== undefined) return [{ event: withoutMark(event), delivery }];
      this.finish(delivery);
      return [];
    });
  }
}
