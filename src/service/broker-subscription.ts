import { MicroError } from "#base/error.ts";
import type { Logger } from "#base/logger.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import type { Delivery } from "./broker-codec.ts";
import { readDeliveries, type SubscriptionGap } from "./broker-deliveries.ts";
import type { ReceivedMessage } from "./broker-message.ts";
import type { Caller } from "./caller.ts";

export interface SubscribeOptions {
  /** Subscribers of one queue share the messages, each going to one of them. @default this one gets all */
  readonly queue?: string;
  /** Ends the subscription, quietly. */
  readonly signal?: AbortSignal;
  /** Told when the subscription stands again after it broke: what was published meanwhile did not come. */
  readonly onGap?: (gap: SubscriptionGap) => void;
}

/** A subscription while it lasts. It begins at once, and begins anew by itself when the connection or the server is gone. */
export interface SubscriptionStatus extends Stoppable {
  /** Resolves when the server has it: what is published from then on comes. Rejects when it ends before. */
  readonly ready: Promise<void>;
  /** Messages that the server dropped because this subscriber did not keep up. */
  readonly dropped: number;
  /** Times that the subscription broke and was made anew. */
  readonly gaps: number;
  /** Ends it. */
  stop(): Promise<void>;
}

export interface MessageSourceOptions extends SubscribeOptions {
  readonly topic: string;
  readonly logger: Logger;
}

/** What comes, a batch at a time, and what is known about it. */
export class MessageSource implements SubscriptionStatus {
  readonly ready: Promise<void>;
  readonly #deliveries: AsyncGenerator<Delivery>;
  readonly #end = new AbortController();
  readonly #signal: AbortSignal | undefined;
  readonly #leave = (): void => void this.stop();
  #ahead: Promise<IteratorResult<Delivery, void>>;
  #droppedCount = 0;
  #gapCount = 0;

  constructor(caller: Caller, options: MessageSourceOptions) {
    const { topic, queue = "", signal, onGap, logger } = options;
    this.#signal = signal;
    this.#deliveries = readDeliveries(caller, {
      topic,
      queue,
      signal: this.#end.signal,
      onBreak: (reason) => logger.warn("subscription broke, trying to subscribe anew", { topic, error: reason }),
      onGap: (gap) => {
        this.#gapCount += 1;
        const durationMs = Math.round(gap.durationMs);
        logger.warn("subscribed anew, messages may be lost", { topic, durationMs, error: gap.reason });
        onGap?.(gap);
      },
    });
    this.#ahead = this.#deliveries.next();
    this.ready = this.#ahead.then(({ done }) => {
      if (done === true) throw new MicroError("cancelled", `the subscription of ${topic} ended before it stood`);
    });
    // Whoever waits for neither of them learns of the failure when he reads.
    this.ready.catch(() => undefined);
    this.#ahead.catch(() => undefined);
    signal?.addEventListener("abort", this.#leave, { once: true });
    if (signal?.aborted === true) this.#leave();
  }

  get dropped(): number {
    return this.#droppedCount;
  }

  get gaps(): number {
    return this.#gapCount;
  }

  /** The next messages, at least one; undefined at the end. @throws MicroError that a repetition would not change. */
  async take(): Promise<readonly ReceivedMessage[] | undefined> {
    for (;;) {
      const { done, value } = await this.#ahead;
      if (done === true || this.#end.signal.aborted) return undefined;
      this.#droppedCount += value.dropped;
      this.#ahead = this.#deliveries.next();
      this.#ahead.catch(() => undefined);
      if (value.messages.length > 0) return value.messages;
    }
  }

  async stop(): Promise<void> {
    this.#end.abort();
    this.#signal?.removeEventListener("abort", this.#leave);
    // A failure that nobody has read by now is of no interest any more.
    await this.#deliveries.return(undefined).catch(() => undefined);
  }
}

/** Messages one by one. Leaving the loop ends the subscription. */
export class BrokerSubscription implements SubscriptionStatus, AsyncIterableIterator<ReceivedMessage, undefined> {
  readonly #source: MessageSource;
  #batch: readonly ReceivedMessage[] = [];
  #at = 0;

  constructor(caller: Caller, options: MessageSourceOptions) {
    this.#source = new MessageSource(caller, options);
  }

  get ready(): Promise<void> {
    return this.#source.ready;
  }

  get dropped(): number {
    return this.#source.dropped;
  }

  get gaps(): number {
    return this.#source.gaps;
  }

  /** @throws MicroError that a repetition would not change, such as `permission_denied`. */
  next(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    const message = this.#batch[this.#at];
    if (message === undefined) return this.#nextBatch();
    this.#at += 1;
    return Promise.resolve({ done: false, value: message });
  }

  async return(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    await this.stop();
    return { done: true, value: undefined };
  }

  stop(): Promise<void> {
    this.#batch = [];
    this.#at = 0;
    return this.#source.stop();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #nextBatch(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    const batch = await this.#source.take();
    const [value] = batch ?? [];
    if (batch === undefined || value === undefined) return { done: true, value: undefined };
    this.#batch = batch;
    this.#at = 1;
    return { done: false, value };
  }
}
