import { MicroError } from "#base/error.ts";
import { MiB } from "#base/limits.ts";
import type { BatchNumber, PublishedEvent } from "#interface/events.ts";
import type { Caller } from "./caller.ts";
import { EventBatch, sizeOf, type WaitingEvent } from "./events-batch.ts";
import type { OutgoingEvent } from "./events-payload.ts";
import { makePublisherId } from "./events-publisher-id.ts";
import { recoverBatches } from "./events-recovery.ts";

export interface PublisherConfig {
  /** How long one event may take, with everything that is tried again, in milliseconds. */
  readonly timeoutMs: number;
}

/** Events of one call: enough that the cost of a call does not show, few enough that the next ones do not wait for it. */
const batchCountMax = 1_000;
const batchBytesMax = 4 * MiB;
/**
 * A second call is begun for so many events and not for fewer, which wait for the answer to the first: in trials with 200
 * events under way, two calls of 100 took a third more processor time than one of 200, and were no faster.
 */
const secondCallCountMin = 256;
/** Calls under way: while the server works on one, the next one is written, and the answer before it is read. */
const windowMax = 2;
/** Events that wait here, all together; above it publishers are refused before memory runs out. */
const waitingCountMax = 50_000;
const waitingBytesMax = 64 * MiB;

/**
 * Sends events in the order in which they come, those together that gather while calls are under way. The calls are
 * numbered, and the server appends them in the order of their numbers and each one once, however often it is sent.
 */
export class EventPublisher {
  readonly #caller: Caller;
  readonly #config: PublisherConfig;
  /** Those before `#head` are sent. */
  #waiting: WaitingEvent[] = [];
  #head = 0;
  #waitingBytes = 0;
  /** By number, ascending. */
  #sent: EventBatch[] = [];
  #sentCount = 0;
  #publisher = makePublisherId();
  #lastNumber = 0;
  #isScheduled = false;
  #isRecovering = false;
  #onRoom: (() => void)[] = [];

  constructor(caller: Caller, config: PublisherConfig) {
    this.#caller = caller;
    this.#config = config;
  }

  /** @throws MicroError what became of this event; `too_many_requests` when too many wait already. */
  publish(event: OutgoingEvent): Promise<PublishedEvent> {
    return new Promise((resolve, reject) => {
      if (!this.#hasRoom()) {
        const detail = `${this.#waitingCount} events wait to be published: await some of them first`;
        throw new MicroError("too_many_requests", detail, { at: "events.publish" });
      }
      this.#waiting.push({ event, deadlineMs: Date.now() + this.#config.timeoutMs, resolve, reject });
      this.#waitingBytes += sizeOf(event);
      this.#schedule();
    });
  }

  /** Returns when another event is taken. */
  async room(): Promise<void> {
    while (!this.#hasRoom()) await new Promise<void>((resolve) => this.#onRoom.push(resolve));
  }

  get #waitingCount(): number {
    return this.#waiting.length - this.#head;
  }

  #hasRoom(): boolean {
    return this.#waitingCount < waitingCountMax && this.#waitingBytes < waitingBytesMax;
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#mayBegin()) return;
    this.#isScheduled = true;
    // The end of the turn: everybody who was just answered may publish the next event before the batch is closed.
    setImmediate(() => {
      this.#isScheduled = false;
      while (this.#mayBegin()) void this.#sendNext();
    });
  }

  #mayBegin(): boolean {
    if (this.#isRecovering || this.#sent.length >= windowMax) return false;
    return this.#waitingCount >= (this.#sent.length === 0 ? 1 : secondCallCountMin);
  }

  /** Never rejects: each failure goes to its event. */
  async #sendNext(): Promise<void> {
    const batch = new EventBatch(this.#nextNumber(), this.#takeEvents());
    this.#sent.push(batch);
    this.#sentCount += batch.count;
    if (await batch.send(this.#caller)) this.#forget(batch);
    else this.#isRecovering = true;
    const isQuiet = this.#isRecovering && this.#sent.every(({ failure }) => failure !== undefined);
    if (isQuiet) await this.#recover();
    if (this.#waitingCount > 0) this.#schedule();
  }

  #forget(batch: EventBatch): void {
    this.#sent.splice(this.#sent.indexOf(batch), 1);
    this.#sentCount -= batch.count;
  }

  /** Nothing is under way, and some batches have failed: they are brought to an end one after the other, in their order. */
  async #recover(): Promise<void> {
    await recoverBatches(this.#sent, {
      caller: this.#caller,
      nextNumber: () => this.#nextNumber(),
      restart: () => {
        this.#publisher = makePublisherId();
        this.#lastNumber = 0;
      },
    });
    this.#sent = [];
    this.#sentCount = 0;
    this.#isRecovering = false;
  }

  #nextNumber(): BatchNumber {
    this.#lastNumber += 1;
    return { publisher: this.#publisher, number: this.#lastNumber };
  }

  #takeEvents(): readonly WaitingEvent[] {
    const share = Math.ceil((this.#waitingCount + this.#sentCount) / windowMax);
    const countMax = Math.min(batchCountMax, Math.max(secondCallCountMin, share));
    let end = this.#head;
    let bytes = 0;
    for (; end < this.#waiting.length && end - this.#head < countMax; end += 1) {
      const waiting = this.#waiting[end];
      const size = waiting === undefined ? 0 : sizeOf(waiting.event);
      if (end > this.#head && bytes + size > batchBytesMax) break;
      bytes += size;
    }
    const events = this.#waiting.slice(this.#head, end);
    this.#head = end;
    this.#waitingBytes -= bytes;
    // The memory of those that are sent is given back now and then, when that moves few of the others.
    if (this.#head * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    for (const wake of this.#onRoom.splice(0)) wake();
    return events;
  }
}
