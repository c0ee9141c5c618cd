import { backoffMs } from "#base/backoff.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { DeliveredEvent, TopicKey } from "#interface/events.ts";
import { Alarm } from "./alarm.ts";
import type { ConsumeConfig } from "./consume-config.ts";
import { dealEvenly } from "./deal.ts";
import type { Delivery } from "./delivery.ts";
import type { GroupPlace } from "./event-log.ts";
import { GroupDeliveries, type GroupDeliveriesDeps, type GroupStart, type Sending } from "./group-deliveries.ts";
import { GroupMember, type MemberGroup } from "./group-member.ts";

export interface EventGroupDeps extends GroupDeliveriesDeps {
  /** The last member has left. */
  readonly onEmpty: (group: EventGroup) => void;
}

/** Batches after which timers and sockets get a turn. */
const servesPerTurn = 16;

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
  readonly #deliveries: GroupDeliveries;
  readonly #members = new Set<GroupMember>();
  /** Members that want events, the one that has waited longest first. */
  readonly #askers = new Set<GroupMember>();
  readonly #alarm: Alarm;
  #isServingSoon = false;
  #serveCount = 0;
  #isClosed = false;

  constructor(deps: EventGroupDeps, start: GroupStart) {
    this.#deps = deps;
    this.key = start.key;
    this.name = start.name;
    this.#deliveries = new GroupDeliveries(deps, start);
    this.#alarm = new Alarm(deps.clock, () => this.#onTime());
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
    return this.#deliveries.floor;
  }

  /** True when events were sent and are not done: their attempts are worth remembering. */
  get hasOpen(): boolean {
    return this.#deliveries.openCount > 0;
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
    this.#deliveries.moveTo(place);
  }

  /** The place is worth keeping, although nothing was read yet. */
  keep(): void {
    this.#deliveries.keeper.mark();
  }

  /** The topic has grown. */
  wake(lastSequence: number): void {
    this.#deliveries.grow(lastSequence);
    this.#serveSoon();
  }

  ask(member: GroupMember): void {
    this.#askers.add(member);
    this.#serveSoon();
  }

  acknowledge(sequences: readonly number[]): void {
    if (this.#isClosed) return;
    const done = sequences.map((each) => this.#deliveries.find(each)).filter((each) => each !== undefined);
    for (const each of done) this.#deliveries.finish(each);
    if (done.length === 0) return;
    this.#deliveries.keeper.mark();
    this.#serveSoon();
  }

  refuse(sequence: number, delayMs: number | undefined): void {
    const delivery = this.#deliveries.find(sequence);
    if (delivery?.holder === undefined) return;
    const { eventRetryInitialMs: initialMs, eventRetryMaxMs: maxMs } = limits;
    const waitMs = delayMs ?? backoffMs(delivery.attempt, { initialMs, maxMs });
    const dueAtMs = this.#deps.clock.now() + Math.min(waitMs, limits.eventRefuseDelayMaxMs);
    this.#deliveries.takeBack(delivery, delivery.holder, { reason: "its consumer refused it", dueAtMs });
    this.#alarm.set(this.#deliveries.nextAtMs);
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
      delivery.attempt -= 1;
      this.#deliveries.putBack(delivery);
    }
    this.#serveSoon();
  }

  leave(member: GroupMember): void {
    this.#remove(member);
    for (const delivery of member.pending.values()) {
      this.#deliveries.takeBack(delivery, member, { reason: "its consumer left without acknowledging it" });
    }
    this.#afterLeaving();
  }

  /** Acknowledges by id, on disk when it answers. @throws MicroError `not_found` when one of them is not under way. */
  async acknowledgeIds(ids: readonly string[]): Promise<void> {
    for (const delivery of ids.map((id) => this.#find(id))) this.#deliveries.finish(delivery);
    this.#serveSoon();
    await this.#deliveries.keeper.saved();
  }

  /** @throws MicroError `not_found` when it is not under way. */
  refuseId(id: string, delayMs: number | undefined): void {
    this.refuse(this.#find(id).sequence, delayMs);
  }

  /** Resolves when nothing is being saved. */
  idle(): Promise<void> {
    return this.#deliveries.keeper.idle();
  }

  /** Somebody else may serve the group from now on: who still holds a consumer of this one changes nothing any more. */
  retire(): void {
    this.#isClosed = true;
  }

  /** Ends every consumer with this error, and resolves when nothing is being saved. */
  async close(error: MicroError): Promise<void> {
    this.retire();
    this.#fail(error);
    await this.#deliveries.keeper.stop();
  }

  #find(id: string): Delivery {
    const delivery = this.#deliveries.findById(id);
    if (delivery !== undefined) return delivery;
    const shown = id.length > 64 ? `${id.slice(0, 64)}…` : id;
    const where = `topic ${this.key.topic} is not under way to group ${this.name ?? ""}`;
    throw new MicroError("not_found", `event "${shown}" of ${where}`);
  }

  /** Ends every consumer with this error. What they have at hand is for others, and nothing of it is given up. */
  #fail(error: MicroError): void {
    for (const member of this.#members) {
      this.#remove(member);
      member.end(error);
      for (const delivery of member.pending.values()) this.#deliveries.putBack(delivery);
    }
    this.#afterLeaving();
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
        this.#deliveries.takeBack(delivery, member, { reason });
      }
    }
    this.#setAlarm();
    this.#serveSoon();
  }

  /** One timer for the whole group, at the earliest moment at which an event is due or ready. */
  #setAlarm(): void {
    this.#deliveries.advance();
    this.#alarm.set(this.#deliveries.nextAtMs);
    for (const { pending } of this.#members) {
      for (const { dueAtMs } of pending.values()) {
        this.#alarm.set(dueAtMs);
        break;
      }
    }
  }

  /** Once for all that happens in this turn: a hundred acknowledgements make room together. */
  #serveSoon(): void {
    if (this.#isServingSoon || this.#askers.size === 0) return;
    this.#isServingSoon = true;
    this.#serveCount += 1;
    // A consumer in this process that never waits would keep everybody else from their turn.
    if (this.#serveCount % servesPerTurn === 0) setImmediate(this.#serveNow);
    else queueMicrotask(this.#serveNow);
  }

  readonly #serveNow = (): void => {
    this.#isServingSoon = false;
    if (this.#isClosed) return;
    try {
      this.#serve();
    } catch (reason) {
      this.#deps.logger.error("a topic cannot be read", { ...this.key, error: MicroError.from(reason) });
      this.#fail(MicroError.from(reason));
    }
  };

  #serve(): void {
    const askers = [...this.#askers].filter((each) => each.room > 0);
    const rooms = askers.map((each) => each.room);
    const room = rooms.reduce((sum, each) => sum + each, 0);
    if (room === 0) return;
    const sendings = this.#deliveries.next(Math.min(room, limits.eventReadCountMax));
    let first = 0;
    for (const [index, share] of dealEvenly(sendings.length, rooms).entries()) {
      const member = askers[index];
      if (share > 0 && member !== undefined) this.#send(member, sendings.slice(first, first + share));
      first += share;
    }
    if (sendings.length > 0) this.#serveSoon();
    // All were passed by: others get a turn before that goes on.
    else if (this.#deliveries.canReadNew) setImmediate(() => this.#serveSoon());
  }

  #send(member: GroupMember, sendings: readonly Sending[]): void {
    const { isAutoAck, ackWaitMs } = member.config;
    const dueAtMs = this.#deps.clock.now() + ackWaitMs;
    const events = sendings.map((sending): DeliveredEvent => {
      if (!isAutoAck) return { ...sending.event, attempt: this.#deliveries.send(sending, member, dueAtMs).attempt };
      if (sending.delivery !== undefined) this.#deliveries.finish(sending.delivery);
      return { ...sending.event, attempt: (sending.delivery?.attempt ?? 0) + 1 };
    });
    if (isAutoAck) this.#deliveries.keeper.mark();
    else this.#alarm.set(dueAtMs);
    this.#askers.delete(member);
    member.give(events);
  }
}
