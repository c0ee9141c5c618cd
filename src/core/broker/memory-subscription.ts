import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { BrokerMessage, Subscription, SubscriptionState } from "#interface/broker.ts";
import { MessageBuffer, type BufferLimit } from "./message-buffer.ts";
import type { SharedMessage } from "./shared-message.ts";
import type { TopicPattern } from "./topic-pattern.ts";

type Result = IteratorResult<readonly BrokerMessage[], undefined>;

const waitingMax: BufferLimit = { countMax: limits.brokerQueueCountMax, bytesMax: limits.brokerQueueBytesMax };
const deliveryMax: BufferLimit = { countMax: limits.brokerDeliveryCountMax, bytesMax: limits.brokerDeliveryBytesMax };

export interface MemorySubscriptionOptions {
  readonly pattern: TopicPattern;
  /** Empty: none. */
  readonly queue: string;
  readonly signal?: AbortSignal | undefined;
  /** Called once, when it ends. */
  readonly onEnd: (subscription: MemorySubscription) => void;
}

/** One subscriber: what waits for it, and the one who reads it. */
export class MemorySubscription implements Subscription, AsyncIterator<readonly BrokerMessage[], undefined> {
  readonly pattern: TopicPattern;
  readonly queue: string;
  readonly #buffer = new MessageBuffer(waitingMax);
  readonly #signal: AbortSignal | undefined;
  readonly #onEnd: (subscription: MemorySubscription) => void;
  readonly #leave = (): void => this.end();
  #wake: (() => void) | undefined;
  #isEnded = false;
  #deliveredCount = 0;
  #droppedCount = 0;
  #untoldDroppedCount = 0;

  constructor(options: MemorySubscriptionOptions) {
    this.pattern = options.pattern;
    this.queue = options.queue;
    this.#onEnd = options.onEnd;
    this.#signal = options.signal;
    this.#signal?.addEventListener("abort", this.#leave, { once: true });
  }

  /** Messages that wait. */
  get waitingCount(): number {
    return this.#buffer.count;
  }

  /** True when the next message may push an older one out. */
  get isFull(): boolean {
    return this.#buffer.isFull;
  }

  get state(): SubscriptionState {
    return {
      topic: this.pattern.text,
      queue: this.queue,
      delivered: this.#deliveredCount,
      dropped: this.#droppedCount,
      waiting: this.#buffer.count,
    };
  }

  /** Never waits: the oldest make room. */
  offer(message: SharedMessage): void {
    if (this.#isEnded) return;
    const droppedCount = this.#buffer.push(message);
    this.#droppedCount += droppedCount;
    this.#untoldDroppedCount += droppedCount;
    // The reader takes its turn after the publisher's, and so gets at once all that is published in one go.
    this.#wake?.();
  }

  takeDropped(): number {
    const droppedCount = this.#untoldDroppedCount;
    this.#untoldDroppedCount = 0;
    return droppedCount;
  }

  async next(): Promise<Result> {
    if (this.#wake !== undefined) throw new MicroError("internal", "a subscription has one reader at a time");
    if (this.#buffer.count === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (this.#isEnded) return { done: true, value: undefined };
    const messages = this.#buffer.take(deliveryMax);
    this.#deliveredCount += messages.length;
    return { done: false, value: messages };
  }

  return(): Promise<Result> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What waits is dropped, the reader gets the end. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#signal?.removeEventListener("abort", this.#leave);
    this.#buffer.clear();
    this.#wake?.();
    this.#onEnd(this);
  }
}
