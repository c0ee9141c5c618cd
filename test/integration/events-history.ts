import { systemClock } from "#base/clock.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { silentLogger } from "#base/logger.ts";
import type { EventLog, GroupPlace } from "#core/events/event-log.ts";
import { createEvents } from "#core/events/log-events.ts";
import { deadLetterTopic, type Consumer, type DeliveredEvent, type Events } from "#interface/events.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { CrashingLog } from "./crashing-log.ts";

const namespace = "history";
const topic = "orders";
const retryCountMax = 2;
const ackWaitShortMs = 1;

export type Step =
  | {
      readonly kind: "publish" | "join" | "read" | "acknowledge" | "refuse" | "leave" | "redrive" | "pause";
      readonly pick: number;
    }
  | { readonly kind: "crash"; readonly pick: number; readonly share: number };

interface Member {
  readonly group: string;
  readonly consumer: Consumer;
  readonly batches: AsyncIterator<readonly DeliveredEvent[]>;
  readonly held: DeliveredEvent[];
  isReading: boolean;
}

/** What one group went through since the process started, and what may not happen to it any more. */
interface GroupRecord {
  /** Places that were sent to somebody, ever. */
  readonly sent: Set<number>;
  /** Done as far as the group can know: on disk before the last crash, or acknowledged since. */
  readonly done: Set<number>;
  /** Acknowledged at any time. */
  readonly acknowledged: Set<number>;
  /** Places of events that became dead letters at any time. */
  readonly dead: Set<number>;
  /** First deliveries since the process started. */
  readonly firstSent: Set<number>;
  lastFirstSent: number;
  /** Dead letters up to this place were looked at. */
  noted: number;
  membersMax: number;
}

/**
 * Runs a random life of two groups over one log, with crashes, and checks what was promised as it goes. The log outlives
 * the crashes; what was on its way to it does so in part.
 */
export class EventHistory {
  readonly #kept: EventLog;
  #log: CrashingLog;
  #events: Events & Stoppable;
  #members: Member[] = [];
  readonly #groups = new Map<string, GroupRecord>();
  readonly #acknowledgedPublishes = new Set<number>();
  /** Those of the process that lives. */
  #publishing: Promise<void>[] = [];
  readonly violations: string[] = [];

  constructor(kept: EventLog) {
    this.#kept = kept;
    this.#log = new CrashingLog(kept);
    this.#events = createEvents({ log: this.#log, clock: systemClock, logger: silentLogger });
    kept.onAppend((key) => this.#noteLetters(key.topic));
    for (const group of ["one", "two"]) {
      this.#groups.set(group, {
        sent: new Set(),
        done: new Set(),
        acknowledged: new Set(),
        dead: new Set(),
        firstSent: new Set(),
        lastFirstSent: 0,
        noted: 0,
        membersMax: 0,
      });
    }
  }

  async take(step: Step): Promise<void> {
    const { kind, pick } = step;
    if (kind === "publish") this.#publish(1 + (pick % 5));
    else if (kind === "crash") await this.#crash(step.share);
    else if (kind === "join")
      this.#join(pick % 2 === 0 ? "one" : "two", pick % 3 === 0 ? ackWaitShortMs : 60_000, 1 + (pick % 7));
    else if (kind === "redrive") await this.#redrive(pick % 2 === 0 ? "one" : "two");
    else if (kind === "pause") await shortWaitsEnd();
    else await this.#act(kind, pick);
    await turn();
  }

  /** Everybody leaves, and one patient member of each group acknowledges the rest. */
  async finish(): Promise<void> {
    for (const member of this.#members.splice(0)) await member.batches.return?.();
    await Promise.all(this.#publishing);
    const lastSequence = this.#kept.topic({ namespace, topic })?.lastSequence ?? 0;
    for (const [group, record] of this.#groups) {
      this.#join(group, 60_000, 1_000);
      const [member] = this.#members.splice(0);
      if (member === undefined) throw new Error("a member has just joined");
      await waitUntil(`group ${group} to be done`, async () => {
        if (!member.isReading) this.#read(member);
        for (const event of member.held.splice(0)) this.#acknowledge(member, event);
        const place = this.#kept.place({ namespace, topic, group });
        return place === undefined ? lastSequence === 0 : place.floor >= lastSequence;
      });
      await member.batches.return?.();
      this.#checkEnd(group, record, lastSequence);
    }
    await this.#events.stop();
  }

  #checkEnd(group: string, record: GroupRecord, lastSequence: number): void {
    const marked = new Set<number>();
    for (const event of this.#kept.read({ namespace, topic }, { sequence: 1, countMax: 10_000, bytesMax: 1e9 })) {
      const receiver = event.metadata["micro-redrive-group"];
      if (receiver !== undefined && receiver !== group) marked.add(event.sequence);
    }
    for (let sequence = 1; sequence <= lastSequence; sequence += 1) {
      if (marked.has(sequence) === record.sent.has(sequence)) {
        this.violations.push(`${group}: event ${sequence} was ${marked.has(sequence) ? "sent to it" : "never sent"}`);
      }
      if (!marked.has(sequence) && !record.acknowledged.has(sequence) && !record.dead.has(sequence)) {
        this.violations.push(`${group}: event ${sequence} was neither acknowledged nor given up`);
      }
    }
    for (const sequence of this.#acknowledgedPublishes) {
      if (sequence > lastSequence) this.violations.push(`event ${sequence} was acknowledged and is not there`);
    }
  }

  #noteLetters(appendedTo: string): void {
    for (const [group, record] of this.#groups) {
      if (appendedTo !== deadLetterTopic(topic, group)) continue;
      const from = { sequence: record.noted + 1, countMax: 10_000, bytesMax: 1e9 };
      for (const letter of this.#kept.read({ namespace, topic: appendedTo }, from)) {
        record.noted = letter.sequence;
        const sequence = Number(letter.metadata["micro-dead-sequence"]);
        if (record.dead.has(sequence)) this.violations.push(`${group}: event ${sequence} has two dead letters`);
        record.dead.add(sequence);
      }
    }
  }

  #publish(count: number): void {
    const events = Array.from({ length: count }, () => ({ topic, payload: new Uint8Array([1]) }));
    const publishing = this.#events.publish(namespace, events).then(
      (published) => {
        for (const { sequence } of published) this.#acknowledgedPublishes.add(sequence);
      },
      (reason: unknown) => {
        this.violations.push(`publish failed: ${String(reason)}`);
      },
    );
    this.#publishing.push(publishing);
  }

  #join(group: string, ackWaitMs: number, pendingCountMax: number): void {
    const start = { kind: "earliest" } as const;
    const options = { namespace, topic, group, start, ackWaitMs, pendingCountMax, retryCountMax };
    const consumer = this.#events.consume(options);
    const batches = consumer[Symbol.asyncIterator]();
    this.#members.push({ group, consumer, batches, held: [], isReading: false });
    const record = this.#record(group);
    record.membersMax = Math.max(record.membersMax, this.#members.filter((each) => each.group === group).length);
  }

  async #act(kind: Step["kind"], pick: number): Promise<void> {
    const member = this.#members[pick % Math.max(1, this.#members.length)];
    if (member === undefined) return;
    if (kind === "read" && !member.isReading) this.#read(member);
    if (kind === "leave") {
      this.#members = this.#members.filter((each) => each !== member);
      await member.batches.return?.();
    }
    if (kind !== "acknowledge" && kind !== "refuse") return;
    const [event] = member.held.splice(pick % Math.max(1, member.held.length), 1);
    if (event === undefined) return;
    if (kind === "acknowledge") this.#acknowledge(member, event);
    else member.consumer.refuse(event.sequence, 0);
  }

  #acknowledge({ consumer, group }: Member, { sequence }: DeliveredEvent): void {
    consumer.acknowledge([sequence]);
    // One that was given up before is a dead letter as well, and never comes again.
    this.#record(group).done.add(sequence);
    this.#record(group).acknowledged.add(sequence);
  }

  #read(member: Member): void {
    member.isReading = true;
    const events = this.#events;
    member.batches.next().then(
      ({ done, value }) => {
        member.isReading = false;
        if (done === true || events !== this.#events) return;
        for (const event of value) this.#note(member, event);
      },
      () => {
        member.isReading = false;
      },
    );
  }

  #note(member: Member, event: DeliveredEvent): void {
    const record = this.#record(member.group);
    const { sequence, attempt } = event;
    const where = `${member.group}: event ${sequence}`;
    if (record.done.has(sequence)) this.violations.push(`${where} was sent after it was done`);
    if (attempt > retryCountMax + 1) this.violations.push(`${where} was sent ${attempt} times`);
    if (!record.firstSent.has(sequence)) {
      if (record.membersMax === 1 && sequence < record.lastFirstSent)
        this.violations.push(`${where} came out of order`);
      record.lastFirstSent = Math.max(record.lastFirstSent, sequence);
      record.firstSent.add(sequence);
    }
    record.sent.add(sequence);
    member.held.push(event);
  }

  async #crash(share: number): Promise<void> {
    await this.#log.crash(share);
    this.#publishing = [];
    this.#members = [];
    this.#log = new CrashingLog(this.#kept);
    this.#events = createEvents({ log: this.#log, clock: systemClock, logger: silentLogger });
    for (const [group, record] of this.#groups) {
      record.done.clear();
      record.firstSent.clear();
      record.lastFirstSent = 0;
      record.membersMax = 0;
      const place = this.#kept.place({ namespace, topic, group });
      if (place !== undefined) for (const sequence of placesOf(place)) record.done.add(sequence);
    }
  }

  async #redrive(group: string): Promise<void> {
    if (this.#kept.place({ namespace, topic, group }) === undefined) return;
    await this.#events.redrive({ namespace, topic, group });
  }

  #record(group: string): GroupRecord {
    const record = this.#groups.get(group);
    if (record === undefined) throw new Error(`there is no group ${group}`);
    return record;
  }
}

function placesOf({ floor, done }: GroupPlace): number[] {
  const places = Array.from({ length: floor }, (_, index) => index + 1);
  for (let index = 0; index < done.length; index += 2) {
    for (let sequence = done[index] ?? 0; sequence < (done[index + 1] ?? 0); sequence += 1) places.push(sequence);
  }
  return places;
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Until every short time to acknowledge, that runs now, is over. */
async function shortWaitsEnd(): Promise<void> {
  const endMs = Date.now() + 3 * ackWaitShortMs;
  await waitUntil("the clock to move", () => Date.now() > endMs);
}
