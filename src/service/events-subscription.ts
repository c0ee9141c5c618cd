import { backoffMs } from "#base/backoff.ts";
import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import type { Event as EventMessage } from "#gen/events/events_pb.ts";
import { AckQueue } from "./events-acks.ts";
import type { ConsumeConfig } from "./events-options.ts";
import { ReaderPlace } from "./events-place.ts";
import { isTransient, type StreamClient } from "./events-wire.ts";

export interface SubscriptionDeps {
  readonly client: StreamClient;
  /** The newest place of the topic now, 0 when there is none. */
  readonly lastSequence: (topic: string, signal: AbortSignal) => Promise<number>;
}

const reconnectBackoff = { initialMs: 50, maxMs: 5_000 } as const;

/** Somebody who waits for an event. */
interface Taker {
  readonly resolve: (event: EventMessage | undefined) => void;
  readonly reject: (reason: MicroError) => void;
}

/** Waiting events are extended so often in one time to acknowledge: a handler has at least three quarters of it. */
const extendShare = 4;
/** Timers take no more. */
const extendMsMax = 2 ** 31 - 1;

/** How long the last acknowledgements may take when it is closed. */
const closeTimeoutMs = 2_000;

/**
 * The events of a topic as they come, over one connection after the other. Several may take from it at a time; each
 * event is handed out once, also when the server sends it again while somebody still works on it.
 *
 * It begins with the first `take` and runs until `close`, until the signal aborts, or until the server refuses.
 */
export class Subscription {
  readonly #deps: SubscriptionDeps;
  readonly #config: ConsumeConfig;
  readonly #place: ReaderPlace;
  readonly #acks: AckQueue;
  readonly #stopped = new AbortController();
  /** Events that wait here for somebody to take them, oldest first. */
  #buffer: EventMessage[] = [];
  #head = 0;
  /** Events that wait here, and those that somebody works on, by their places; with the newest attempt. */
  readonly #held = new Map<bigint, number>();
  #takers: Taker[] = [];
  #onTaken: (() => void) | undefined;
  #end: { readonly failure: MicroError | undefined } | undefined;
  #isLeaving = false;
  #running: Promise<void> | undefined;

  constructor(deps: SubscriptionDeps, config: ConsumeConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#place = new ReaderPlace(config);
    this.#acks = new AckQueue(config.pendingMax);
  }

  /** The next event; undefined when it has ended. @throws MicroError what the server refused it with. */
  take(): Promise<EventMessage | undefined> {
    this.#running ??= this.#run();
    const next = this.#next();
    if (next !== undefined) return Promise.resolve(next);
    if (this.#end?.failure !== undefined) return Promise.reject(this.#end.failure);
    if (this.#end !== undefined) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  /** The event is done. */
  acknowledge(sequence: bigint): void {
    if (!this.#held.delete(sequence)) return;
    this.#place.done(sequence);
    if (!this.#config.isAutoAck) this.#acks.done(sequence);
  }

  /** The event could not be handled. @param delayMs 0 leaves it to the server when it is sent again */
  refuse(sequence: bigint, delayMs: number): void {
    const attempt = this.#held.get(sequence);
    if (attempt === undefined) return;
    this.#held.delete(sequence);
    const { isAutoAck, retryLimit } = this.#config;
    const isGivenUp = retryLimit >= 0 && attempt > retryLimit;
    if (isAutoAck || isGivenUp) this.#place.done(sequence);
    if (!isAutoAck) this.#acks.refuse(sequence, delayMs);
  }

  /** Hands out no more events; those that were handed out may still be acknowledged. */
  quit(): void {
    if (this.#end !== undefined) return;
    this.#finish(undefined);
    this.#giveBack(this.#drop());
  }

  /** Sends the acknowledgements that were given, then leaves. What was not acknowledged goes to others. */
  async close(): Promise<void> {
    this.#leave();
    await this.#running;
  }

  /** One connection after the other. Never rejects: the failure goes to who takes. */
  async #run(): Promise<void> {
    const { signal, ackWaitMs, isAutoAck } = this.#config;
    const leave = (): void => this.#leave();
    // The time to acknowledge is for who works on an event, not for its wait here.
    const extendMs = Math.min(Math.ceil(ackWaitMs / extendShare), extendMsMax);
    const extending = setInterval(() => this.#acks.extend(this.#waiting()), extendMs);
    if (isAutoAck) clearInterval(extending);
    signal?.addEventListener("abort", leave, { once: true });
    if (signal?.aborted === true) this.#leave();
    try {
      await this.#stayConnected();
    } catch (reason) {
      this.#finish(MicroError.from(reason));
    } finally {
      clearInterval(extending);
      signal?.removeEventListener("abort", leave);
      // What ends a connection that is still open, and the timer of `#leave`.
      this.#stopped.abort();
    }
  }

  /** Returns when it is over. @throws MicroError when the server refuses. */
  async #stayConnected(): Promise<void> {
    let failureCount = 0;
    let wasRefused = false;
    while (this.#end === undefined) {
      try {
        for await (const events of this.#connect()) {
          failureCount = 0;
          wasRefused = false;
          await this.#receive(events);
        }
      } catch (reason) {
        const error = MicroError.from(reason);
        const isUnknown = error.code === "unauthenticated";
        // A token may have expired meanwhile; the next call asks for a new one.
        if (!isTransient(error) && !(isUnknown && !wasRefused)) throw error;
        wasRefused = isUnknown;
      } finally {
        this.#acks.release();
        this.#drop();
      }
      if (this.#end !== undefined) return;
      failureCount += 1;
      await delay(backoffMs(failureCount, reconnectBackoff), this.#stopped.signal);
    }
  }

  async *#connect(): AsyncGenerator<readonly EventMessage[], void> {
    const { signal } = this.#stopped;
    await this.#place.find((topic) => this.#deps.lastSequence(topic, signal));
    const messages = this.#acks.open(this.#place.request());
    for await (const { events } of this.#deps.client.consumeBatch(messages, { signal })) {
      yield this.#place.received(events);
    }
  }

  async #receive(events: readonly EventMessage[]): Promise<void> {
    if (this.#end !== undefined) return this.#giveBack(events.map(({ sequence }) => sequence));
    for (const event of events) {
      const isHeld = this.#held.has(event.sequence);
      this.#held.set(event.sequence, event.attempt);
      // Sent again because it takes long: whoever works on it will say what became of it.
      if (isHeld) continue;
      const taker = this.#takers.shift();
      if (taker === undefined) this.#buffer.push(event);
      else taker.resolve(event);
    }
    // Where nothing is acknowledged, this alone holds the server back.
    while (this.#buffer.length - this.#head >= this.#config.pendingMax && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#onTaken = resolve;
      });
    }
  }

  #giveBack(sequences: readonly bigint[]): void {
    if (!this.#config.isAutoAck) this.#acks.giveBack(sequences);
  }

  #next(): EventMessage | undefined {
    const event = this.#buffer[this.#head];
    if (event === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#buffer.length) {
      this.#buffer = [];
      this.#head = 0;
    }
    this.#wake();
    return event;
  }

  #wake(): void {
    const wake = this.#onTaken;
    this.#onTaken = undefined;
    wake?.();
  }

  /** Forgets what waits here: it is sent again on the next connection, or to others. */
  #drop(): bigint[] {
    const dropped = this.#waiting();
    for (const sequence of dropped) this.#held.delete(sequence);
    this.#buffer = [];
    this.#head = 0;
    this.#wake();
    return dropped;
  }

  /** Places of the events that wait here. */
  #waiting(): bigint[] {
    return this.#buffer.slice(this.#head).map(({ sequence }) => sequence);
  }

  /** Ends in good order: the last acknowledgements, our side, then the server's. */
  #leave(): void {
    this.quit();
    if (this.#isLeaving || this.#stopped.signal.aborted) return;
    this.#isLeaving = true;
    // Nothing is left to say, or nobody to say it to.
    if (this.#config.isAutoAck || this.#running === undefined) return this.#stopped.abort();
    this.#acks.end();
    const timer = setTimeout(() => this.#stopped.abort(), closeTimeoutMs);
    this.#stopped.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  #finish(failure: MicroError | undefined): void {
    this.#end ??= { failure };
    const takers = this.#takers;
    this.#takers = [];
    for (const taker of takers) {
      if (this.#end.failure === undefined) taker.resolve(undefined);
      else taker.reject(this.#end.failure);
    }
  }
}
