/** Entry point `micro-ts/broker`: messages to whoever listens. */
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { createLogger, type Logger } from "#base/logger.ts";
import { requireName } from "#base/name.ts";
import { HandledSubscription, type MessageHandler } from "./broker-handler.ts";
import { BrokerPublisher } from "./broker-publisher.ts";
import { BrokerSubscription, type SubscribeOptions, type SubscriptionStatus } from "./broker-subscription.ts";
import type { ReceivedMessage } from "./broker-message.ts";
import type { Origin } from "./caller.ts";

export { MicroError } from "#base/error.ts";
export type { Logger } from "#base/logger.ts";
export type { SubscriptionGap } from "./broker-deliveries.ts";
export type { MessageHandler } from "./broker-handler.ts";
export type { ReceivedMessage } from "./broker-message.ts";
export type { SubscribeOptions, SubscriptionStatus } from "./broker-subscription.ts";
export type { Origin } from "./caller.ts";

export interface BrokerOptions {
  /** Told of subscriptions that break and of handlers that fail. @default lines on standard error */
  readonly logger?: Logger;
}

export interface PublishOptions {
  /** Travels with the message; keys keep their case. The publisher's token is never part of it. */
  readonly header?: Readonly<Record<string, string>>;
}

/** Messages as an async iterable, with what is known about the subscription. */
export interface Messages extends SubscriptionStatus, AsyncIterableIterator<ReceivedMessage, undefined> {
  [Symbol.asyncIterator](): Messages;
}

/** Messages to whoever listens at the moment, in the namespace of its origin. Nothing is kept. */
export interface Broker {
  /**
   * Sends a message: text and bytes as they are, anything else as JSON. Resolves when the server took it, not when
   * somebody got it. Messages of one broker arrive in the order in which they were published.
   *
   * @param topic words between dots, such as `orders.created`
   * @throws MicroError `invalid_argument` for a bad topic or what is no JSON, `payload_too_large` above 1 MiB,
   * `too_many_requests` when very many wait to be sent, `unauthenticated`, `unavailable`
   */
  publish(topic: string, message: string | Uint8Array | object, options?: PublishOptions): Promise<void>;
  /**
   * Messages from now on. Leaving the loop ends it. A reader that does not keep up loses the oldest that wait for it.
   *
   * @param topic `*` stands for one word, `>` at the end for one or more
   */
  subscribe(topic: string, options?: SubscribeOptions): Messages;
  /** The same, given to a handler one at a time. Its failures are logged and end nothing. */
  subscribe(topic: string, options: SubscribeOptions, handler: MessageHandler): SubscriptionStatus;
}

/** The broker, for a service or a client: `createBroker(service)`. Nothing is sent before it is used. */
export function createBroker(origin: Origin, options: BrokerOptions = {}): Broker {
  const logger = options.logger ?? createLogger({ write: (line) => process.stderr.write(`${line}\n`) });
  const publisher = new BrokerPublisher(origin);

  function subscribe(topic: string, options?: SubscribeOptions): Messages;
  function subscribe(topic: string, options: SubscribeOptions, handler: MessageHandler): SubscriptionStatus;
  function subscribe(
    topic: string,
    options: SubscribeOptions = {},
    handler?: MessageHandler,
  ): Messages | SubscriptionStatus {
    const source = { ...options, topic, logger };
    return handler === undefined
      ? new BrokerSubscription(origin, source)
      : new HandledSubscription(origin, source, handler);
  }

  return {
    // Checked here, so that a bad message is refused alone and not with those that travel beside it.
    publish: async (topic, message, { header = {} } = {}) => {
      requireName("topic", topic);
      const body = toBody(message);
      requireSize(topic, body);
      return publisher.publish({ topic, header: isPlain(message) ? header : withJsonType(header), body });
    },
    subscribe,
  };
}

function isPlain(message: string | Uint8Array | object): message is string | Uint8Array {
  return typeof message === "string" || message instanceof Uint8Array;
}

function toBody(message: string | Uint8Array | object): Uint8Array {
  if (message instanceof Uint8Array) return message;
  // Undefined for what has no JSON, whatever the library says.
  const text: string | undefined = typeof message === "string" ? message : JSON.stringify(message);
  if (text === undefined) throw new MicroError("invalid_argument", "the message is neither text nor bytes nor JSON");
  return new TextEncoder().encode(text);
}

function requireSize(topic: string, { byteLength }: Uint8Array): void {
  if (byteLength <= limits.brokerMessageBytesMax) return;
  throw new MicroError(
    "payload_too_large",
    `a message of ${byteLength} bytes on topic ${topic} is above the limit of ${limits.brokerMessageBytesMax} bytes`,
  );
}

function withJsonType(header: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const isSaid = Object.keys(header).some((key) => key.toLowerCase() === "content-type");
  return isSaid ? header : { "Content-Type": "application/json", ...header };
}
