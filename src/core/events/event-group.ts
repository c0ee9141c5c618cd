import { backoffMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import type { DeliveredEvent, StoredEvent, TopicKey } from "#interface/events.ts";
import { Alarm } from "./alarm.ts";
import type { ConsumeConfig } from "./consume-config.ts";
import { dealEvenly } from "./deal.ts";
import type { Delivery, DeliveryHolder } from "./delivery.ts";
import type { EventLog, GroupPlace } from "./event-log.ts";
import { createForgetfulKeeper, LogKeeper, type GroupKeeper } from "./group-keeper.ts";
import { GroupMember, type MemberGroup } from "./group-member.ts";
import { GroupProgress } from "./group-progress.ts";
import { readNew } from "./read-new.ts";
import { RedeliveryQueue } from "./redelivery-queue.ts";
import { withoutMark } from "./reserved-metadata.ts";

export interface EventGroupDeps {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The last member has left. */
  readonly onEmpty: (group: EventGroup) => void;
}

export interface EventGroupStart {
  readonly key: TopicKey;
  /** Undefined: a reader of its own, of which nothing is kept. */
  readonly name: string | undefined;
  readonly place: GroupPlace;
}

/** An event to be sent; with its delivery when it was sent before. */
interface Sending {
  readonly event: StoredEvent;
  readonly delivery: Delivery | undefined;
}

/**
 * Gives the events of a topic to the members of a group: each event to one of them, in the order of the topic, and once
 * more when it is refused, not acknowledged in time, or left behind.
 *
 * Attempts are counted in memory: when the server starts anew, so does the count.
 */
export class EventGroup implements MemberGroup {
  readonly key: TopicKey;
  readonly name: string | undefined;
  readonly #deps: EventGroupDeps;
  readonly #members = new Set<GroupMember>();
  /** Members that want events, the one that has waited longest first. */
  readonly #askers = new Set<GroupMember>();
  readonly #alarm: Alarm;
  readonly #keeper: GroupKeeper;
  #queue = new RedeliveryQueue();
  #progress: GroupProgress;
  /** The newest event of the topic, as far as we were told. */
  #lastSequence: number;
  #isServingSoon = false;
  #isClosed = false;

  constructor(deps: EventGroupDeps, { key, name, place }: EventGroupStart) {
    this.#deps = deps;
    this.key = key;
    this.name = name;
    this.#progress = new GroupProgress(place);
    this.#lastSequence = deps.log.topic(key)?.lastSequence ?? 0;
    this.#alarm = new Alarm(deps.clock, () => this.#onTime());
    const progress = (): GroupProgress => this.#progress;
    this.#keeper =
      name === undefined
        ? createForgetfulKeeper(progress)
        : new LogKeeper({ log: deps.log, logger: deps.logger, key: { ...key, group: name }, progress });
  }

  get memberCount(): number {
    return this.#members.size;
  }

  /** Events that members have at hand. */
  get pendingCount(): number {
    let count = 0;
    for (const each of this.#members) count += each.pending.size;
    return count;
  }

  /** Every event up to this place is done. */
  get floor(): number {
    return this.#progress.floor;
  }

  /** True when events were sent and are not done: their attempts are worth remembering. */
  get hasOpen(): boolean {
    return this.#progress.openCount > 0;
  }

  join(config: ConsumeConfig, signal: AbortSignal | undefined): GroupMember {
    const member = new GroupMember(this, config, signal);
    this.#members.add(member);
    this.#setAlarm();
    member.start();
    return member;
  }

  /** Goes on from another place, as if nothing had been read. To be called only while there is no member. */
  moveTo(place: GroupPlace): void {
    this.#progress = new GroupProgress(place);
    this.#queue = new RedeliveryQueue();
    this.#keeper.mark();
  }

  /** The place is worth keeping, although nothing was read yet. */
  keep(): void {
    this.#keeper.mark();
  }

  /** The topic has grown. */
  wake(lastSequence: number): void {
    this.#lastSequence = Math.max(this.#lastSequence, lastSequence);
    this.#serveSoon();
  }

  ask(member: GroupMember): void {
    this.#askers.add(member);
    this.#serveSoon();
  }

  acknowledge(sequences: readonly number[]): void {
    if (this.#isClosed) return;
    let hasFinished = false;
    for (const sequence of sequences) {
      const delivery = this.#progress.find(sequence);
      if (delivery === undefined) continue;
      this.#finish(delivery);
      hasFinished = true;
    }
    if (!hasFinished) return;
    this.#keeper.mark();
    this.#serveSoon();
  }

  refuse(sequence: number, delayMs: number | undefined): void {
    const delivery = this.#progress.find(sequence);
    if (delivery?.holder === undefined) return;
    const { eventRetryInitialMs: initialMs, eventRetryMaxMs: maxMs } = limits;
    const waitMs = delayMs ?? backoffMs(delivery.attempt, { initialMs, maxMs });
    const dueAtMs = this.#deps.clock.now() + Math.min(waitMs, limits.eventRefuseDelayMaxMs);
    this.#takeBack(delivery, delivery.holder, { reason: "its consumer refused it", dueAtMs });
    this.#serveSoon();
  }

  extend(member: GroupMember, sequences: readonly number[]): void {
    const dueAtMs = this.#deps.clock.now() + member.config.ackWaitMs;
    for (const sequence of sequences) {
      const delivery = member.pending.get(sequence);
      if (delivery === undefined) continue;
      delivery.dueAtMs = dueAtMs;
      // At the end, where those are that are due last.
      member.pending.delete(sequence);
      member.pending.set(sequence, delivery);
    }
  }

  giveBack(member: GroupMember, sequences: readonly number[]): void {
    // It is about to leave: what it gives back must not come to it again.
    this.#askers.delete(member);
    for (const sequence of sequences) {
      const delivery = member.pending.get(sequence);
      if (delivery === undefined) continue;
      member.pending.delete(sequence);
      delivery.holder = undefined;
      delivery.attempt -= 1;
      this.#queue.addReady(delivery);
    }
    this.#serveSoon();
  }

  leave(member: GroupMember): void {
    this.#remove(member);
    for (const delivery of member.pending.values()) {
      this.#takeBack(delivery, member, { reason: "its consumer left without acknowledging it" });
    }
    this.#afterLeaving();
  }

  /** Acknowledges by id, on disk when it answers. @throws MicroError `not_found` when one of them is not under way. */
  async acknowledgeIds(ids: readonly string[]): Promise<void> {
    for (const delivery of ids.map((id) => this.#find(id))) this.#finish(delivery);
    this.#serveSoon();
    await this.#keeper.saved();
  }

  /** @throws MicroError `not_found` when it is not under way. */
  refuseId(id: string, delayMs: number | undefined): void {
    this.refuse(this.#find(id).sequence, delayMs);
  }

  /** Ends every consumer with this error. What they have at hand is for others, and nothing of it is given up. */
  fail(error: MicroError): void {
    for (const member of this.#members) {
      this.#remove(member);
      member.end(error);
      for (const delivery of member.pending.values()) {
        delivery.holder = undefined;
        this.#queue.addReady(delivery);
      }
      member.pending.clear();
    }
    this.#afterLeaving();
  }

  /** Resolves when nothing is being saved. */
  idle(): Promise<void> {
    return this.#keeper.idle();
  }

  /** Somebody else may serve the group from now on: who still holds a consumer of this one changes nothing any more. */
  retire(): void {
    this.#isClosed = true;
  }

  /** Ends every consumer with this error, and resolves when nothing is being saved. */
  async close(error: MicroError): Promise<void> {
    this.retire();
    this.fail(error);
    await this.#keeper.stop();
  }

  #find(id: string): Delivery {
    const delivery = this.#progress.findById(id);
    if (delivery !== undefined) return delivery;
    const { topic } = this.key;
    const shown = id.length > 64 ? `${id.slice(0, 64)}…` : id;
    throw new MicroError(
      "not_found",
      `event "${shown}" of topic ${topic} is not under way to group ${this.name ?? ""}`,
    );
  }

  #finish(delivery: Delivery): void {
    delivery.holder?.pending.delete(delivery.sequence);
    this.#queue.remove(delivery);
    delivery.holder = undefined;
    delivery.stage = "finished";
    this.#progress.finish(delivery);
  }

  /** An event that was sent comes back: it is sent again, or is a dead letter when that was tried often enough. */
  #takeBack(
    delivery: Delivery,
    holder: DeliveryHolder,
    { reason, dueAtMs = 0 }: { readonly reason: string; readonly dueAtMs?: number },
  ): void {
    holder.pending.delete(delivery.sequence);
    delivery.holder = undefined;
    const { retryCountMax } = holder.config;
    if (retryCountMax !== -1 && delivery.attempt > retryCountMax) {
      delivery.stage = "given_up";
      this.#keeper.giveUp(delivery, reason);
    } else if (dueAtMs <= this.#deps.clock.now()) {
      this.#queue.addReady(delivery);
    } else {
      this.#queue.addDelayed(delivery, dueAtMs);
      this.#alarm.set(dueAtMs);
    }
  }

  #remove(member: GroupMember): void {
    this.#members.delete(member);
    this.#askers.delete(member);
  }

  #afterLeaving(): void {
    if (this.#members.size > 0) return this.#serveSoon();
    this.#alarm.clear();
    this.#deps.onEmpty(this);
  }

  #onTime(): void {
    const nowMs = this.#deps.clock.now();
    for (const member of this.#members) {
      const reason = `nobody acknowledged it within ${member.config.ackWaitMs} ms`;
      for (const delivery of member.pending.values()) {
        if (delivery.dueAtMs > nowMs) break;
        this.#takeBack(delivery, member, { reason });
      }
    }
    this.#setAlarm();
    this.#serveSoon();
  }

  #setAlarm(): void {
    this.#queue.advance(this.#deps.clock.now());
    let nextAtMs = this.#queue.nextAtMs;
    for (const { pending } of this.#members) {
      for (const { dueAtMs } of pending.values()) {
        nextAtMs = Math.min(nextAtMs, dueAtMs);
        break;
      }
    }
    if (nextAtMs !== Number.POSITIVE_INFINITY) this.#alarm.set(nextAtMs);
  }

  /** Once for all that happens in this turn: a hundred acknowledgements make room together. */
  #serveSoon(): void {
    if (this.#isServingSoon || this.#askers.size === 0) return;
    this.#isServingSoon = true;
    queueMicrotask(() => {
      this.#isServingSoon = false;
      if (this.#isClosed) return;
      try {
        this.#serve();
      } catch (reason) {
        this.#deps.logger.error("a topic cannot be read", { ...this.key, error: MicroError.from(reason) });
        this.fail(MicroError.from(reason));
      }
    });
  }

  #serve(): void {
    const askers = [...this.#askers].filter((each) => each.room > 0);
    const rooms = askers.map((each) => each.room);
    const countMax = Math.min(
      rooms.reduce((sum, room) => sum + room, 0),
      limits.eventReadCountMax,
    );
    if (countMax === 0) return;
    const sendings = this.#collect(countMax);
    let first = 0;
    for (const [index, share] of dealEvenly(sendings.length, rooms).entries()) {
      const member = askers[index];
      if (share > 0 && member !== undefined) this.#send(member, sendings.slice(first, first + share));
      first += share;
    }
    if (sendings.length > 0) this.#serveSoon();
  }

  /** What comes next: what has to be sent again, then what is new. */
  #collect(countMax: number): Sending[] {
    const again = this.#readAgain(countMax);
    const free = limits.eventUnfinishedCountMax - this.#progress.openCount;
    if (again.length > 0 || free <= 0 || this.#progress.nextSequence > this.#lastSequence) return again;
    const { events, hasPassed } = readNew(this.#deps.log, this.#progress, {
      key: this.key,
      group: this.name,
      countMax: Math.min(countMax, free),
      bytesMax: limits.eventReadBytesMax,
      lastSequence: this.#lastSequence,
    });
    if (hasPassed) this.#keeper.mark();
    // Others get a turn before a long row of events is passed by further.
    if (hasPassed && events.length === 0) setImmediate(() => this.#serveSoon());
    return events.map((event) => ({ event, delivery: undefined }));
  }

  #readAgain(countMax: number): Sending[] {
    if (this.#queue.readyCount === 0) return [];
    const deliveries = this.#queue.take(countMax, limits.eventReadBytesMax);
    const kept = this.#deps.log.readAt(
      this.key,
      deliveries.map((each) => each.sequence),
    );
    const events = new Map(kept.map((event) => [event.sequence, event]));
    return deliveries.flatMap((delivery) => {
      const event = events.get(delivery.sequence);
      if (event !== undefined) return [{ event: withoutMark(event), delivery }];
      // The topic's retention has removed it.
      this.#finish(delivery);
      this.#keeper.mark();
      return [];
    });
  }

  #send(member: GroupMember, sendings: readonly Sending[]): void {
    const { isAutoAck, ackWaitMs } = member.config;
    const dueAtMs = this.#deps.clock.now() + ackWaitMs;
    const events = sendings.map(({ event, delivery }): DeliveredEvent => {
      if (isAutoAck) {
        if (delivery !== undefined) this.#finish(delivery);
        return { ...event, attempt: (delivery?.attempt ?? 0) + 1 };
      }
      const open = delivery ?? this.#progress.open(event);
      open.attempt += 1;
      open.stage = "sent";
      open.holder = member;
      open.dueAtMs = dueAtMs;
      member.pending.set(open.sequence, open);
      return { ...event, attempt: open.attempt };
    });
    if (isAutoAck) this.#keeper.mark();
    else this.#alarm.set(dueAtMs);
    this.#askers.delete(member);
    member.give(events);
  }
}
