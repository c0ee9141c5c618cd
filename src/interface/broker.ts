/** One message. */
export interface BrokerMessage {
  readonly topic: string;
  /** Keys keep their case; `Content-Type` says how the body is written. */
  readonly header: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface SubscribeOptions {
  readonly namespace: string;
  /** Words between dots; `*` stands for one word, `>` at the end for one or more. */
  readonly topic: string;
  /** Subscribers of one queue share the messages, each going to one of them. Absent: this one gets all. */
  readonly queue?: string;
  readonly signal?: AbortSignal;
}

/**
 * One subscriber. Read it to get what has come, in batches of at least one message; it ends when `signal` aborts or the
 * reader leaves.
 *
 * A subscriber that does not keep up loses the oldest messages that wait for it, because the newest say how things are,
 * and neither publishers nor other subscribers wait for it.
 */
export interface Subscription extends AsyncIterable<readonly BrokerMessage[]> {
  /** Messages that it lost since this was last called. */
  takeDropped(): number;
}

export interface SubscriptionState {
  readonly topic: string;
  readonly queue: string;
  readonly delivered: number;
  readonly dropped: number;
  readonly waiting: number;
}

export interface BrokerState {
  /** Ordered by topic, then queue. */
  readonly subscriptions: readonly SubscriptionState[];
  readonly published: number;
  /** Messages among them that nobody listened for. */
  readonly unheard: number;
}

/** Messages to whoever listens at the moment. Nothing is kept. Namespaces never hear each other. */
export interface Broker {
  /** Hands the messages over, in this order, and waits for nobody. @throws MicroError `invalid_argument` for a bad topic, `payload_too_large`. */
  publish(namespace: string, messages: readonly BrokerMessage[]): void;
  /** @throws MicroError `invalid_argument` for a bad topic, `too_many_requests` when the namespace has too many subscribers. */
  subscribe(options: SubscribeOptions): Subscription;
  state(namespace: string): BrokerState;
}
