import { backoffMs } from "#base/backoff.ts";
import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import { limits, MiB } from "#base/limits.ts";
import type { PublishedEvent } from "#interface/events.ts";
import type { Caller } from "./caller.ts";
import { publishTypes, type PublishAnswer } from "./events-codec.ts";
import type { OutgoingEvent } from "./events-payload.ts";
import { isTransient } from "./events-wire.ts";

export interface PublisherConfig {
  /** How long one event may take, with everything that is tried again, in milliseconds. */
  readonly timeoutMs: number;
}

/** An event that waits for its answer. */
interface Waiting {
  readonly event: OutgoingEvent;
  readonly deadlineMs: number;
  readonly resolve: (published: PublishedEvent) => void;
  readonly reject: (reason: MicroError) => void;
}

/** Events of one call: enough that the cost of a call does not show, few enough that the next ones do not wait for it. */
const batchCountMax = 1_000;
const batchBytesMax = 4 * MiB;
/** Events that wait here, all together; above it publishers are refused before memory runs out. */
const waitingCountMax = 50_000;
const waitingBytesMax = 64 * MiB;
const retryBackoff = { initialMs: 50, maxMs: 2_000 } as const;

/**
 * Sends events in the order in which they come, those together that gather while a call is under way. What was perhaps
 * sent is sent again only with the same id, so nothing is doubled.
 */
export class EventPublisher {
  readonly #caller: Caller;
  readonly #config: PublisherConfig;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isRunning = false;
  #onRoom: (() => void)[] = [];

  constructor(caller: Caller, config: PublisherConfig) {
    this.#caller = caller;
    this.#config = config;
  }

  /** @throws MicroError what became of this event; `too_many_requests` when too many wait already. */
  publish(event: OutgoingEvent): Promise<PublishedEvent> {
    return new Promise((resolve, reject) => {
      if (!this.#hasRoom()) {
        const detail = `${this.#waiting.length} events wait to be published: await some of them first`;
        throw new MicroError("too_many_requests", detail, { at: "events.publish" });
      }
      this.#waiting.push({ event, deadlineMs: Date.now() + this.#config.timeoutMs, resolve, reject });
      this.#waitingBytes += sizeOf(event);
      if (!this.#isRunning) void this.#run();
    });
  }

  /** Returns when another event is taken. */
  async room(): Promise<void> {
    while (!this.#hasRoom()) await new Promise<void>((resolve) => this.#onRoom.push(resolve));
  }

  #hasRoom(): boolean {
    return this.#waiting.length < waitingCountMax && this.#waitingBytes < waitingBytesMax;
  }

  /** Until nothing waits. Never rejects: each failure goes to its event. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    do {
      // The end of the turn: everybody who was just answered may publish the next event before the batch is closed.
      await new Promise(setImmediate);
      await this.#send(this.#takeBatch());
    } while (this.#waiting.length > 0);
    this.#isRunning = false;
  }

  #takeBatch(): readonly Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const { event } of this.#waiting) {
      const size = sizeOf(event);
      if (count === batchCountMax || (count > 0 && bytes + size > batchBytesMax)) break;
      count += 1;
      bytes += size;
    }
    this.#waitingBytes -= bytes;
    const batch = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    for (const wake of this.#onRoom.splice(0)) wake();
    return batch;
  }

  /** Sends events in order until each has its answer. */
  async #send(batch: readonly Waiting[]): Promise<void> {
    for (let open = batch, attempt = 1; open.length > 0; attempt += 1) {
      const failure = await this.#attempt(open);
      if (failure === undefined) return;
      if (!isTransient(failure)) return this.#refuse(open, failure);
      await delay(backoffMs(attempt, retryBackoff));
      open = open.filter((each) => {
        const mayRepeat = (failure.neverSent || each.event.id !== "") && Date.now() < each.deadlineMs;
        if (!mayRepeat) each.reject(failure);
        return mayRepeat;
      });
    }
  }

  /** The failure, when there was one; then nobody was answered. */
  async #attempt(batch: readonly Waiting[]): Promise<MicroError | undefined> {
    try {
      const timeoutMs = Math.max(1, (batch.at(-1)?.deadlineMs ?? 0) - Date.now());
      const events = batch.map(({ event }) => event);
      const options = { types: publishTypes, timeoutMs };
      const answer = await this.#caller.call<PublishAnswer>("events", "Stream.PublishBatch", events, options);
      if (answer.length !== batch.length) return new MicroError("bad_gateway", "events answered for other events");
      for (const [index, published] of answer.entries()) batch[index]?.resolve(published);
      return undefined;
    } catch (reason) {
      return MicroError.from(reason);
    }
  }

  /** A batch is taken as a whole or not at all: its halves are sent apart, until those are found that are refused. */
  async #refuse(batch: readonly Waiting[], failure: MicroError): Promise<void> {
    const isAboutEvents = failure.code === "invalid_argument" || failure.code === "payload_too_large";
    if (batch.length === 1 || !isAboutEvents) {
      for (const { reject } of batch) reject(failure);
      return;
    }
    const half = Math.ceil(batch.length / 2);
    await this.#send(batch.slice(0, half));
    await this.#send(batch.slice(half));
  }
}

/** Bytes of an event in memory, roughly. */
function sizeOf({ payload, metadata }: OutgoingEvent): number {
  let bytes = payload.byteLength + limits.eventIdLengthMax;
  for (const key in metadata) bytes += key.length + (metadata[key]?.length ?? 0);
  return bytes;
}
