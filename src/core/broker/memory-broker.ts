import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import { requireName } from "#base/name.ts";
import type { Broker, BrokerMessage, BrokerState, SubscribeOptions, Subscription } from "#interface/broker.ts";
import type { Audience } from "./audience.ts";
import { MemorySubscription } from "./memory-subscription.ts";
import { NamespaceTopics } from "./namespace-topics.ts";
import { MessageSharer } from "./shared-message.ts";
import { parseTopicPattern } from "./topic-pattern.ts";

/**
 * The broker of one installation, in memory. A message is handed to the buffer of each subscriber in the publisher's own
 * turn, which takes no time that depends on them; they read in their own.
 */
export class MemoryBroker implements Broker, Stoppable {
  readonly #namespaces = new Map<string, NamespaceTopics>();

  /** Subscribers of all namespaces; for tests and for the status of the server. */
  get subscriberCount(): number {
    let count = 0;
    for (const each of this.#namespaces.values()) count += each.subscriptions.size;
    return count;
  }

  publish(namespace: string, messages: readonly BrokerMessage[]): void {
    checkMessages(messages);
    const topics = this.#topics(namespace);
    const sharer = new MessageSharer();
    let topic = "";
    let audience: Audience | undefined;
    for (const message of messages) {
      if (audience === undefined || message.topic !== topic) {
        ({ topic } = message);
        audience = topics.audience(topic);
      }
      topics.publishedCount += 1;
      if (audience.isEmpty) topics.unheardCount += 1;
      else audience.offer(sharer.share(message));
    }
  }

  subscribe(options: SubscribeOptions): Subscription {
    const { namespace, queue = "", signal } = options;
    const pattern = parseTopicPattern(options.topic);
    if (queue !== "") requireName("group", queue);
    const topics = this.#topics(namespace);
    if (topics.subscriptions.size >= limits.subscribersPerNamespaceMax) {
      throw new MicroError(
        "too_many_requests",
        `namespace ${namespace} has ${limits.subscribersPerNamespaceMax} subscribers, which is the limit`,
      );
    }
    const onEnd = (ended: MemorySubscription): void => topics.remove(ended);
    const subscription = new MemorySubscription({ pattern, queue, signal, onEnd });
    if (signal?.aborted === true) subscription.end();
    else topics.add(subscription);
    return subscription;
  }

  state(namespace: string): BrokerState {
    const topics = this.#namespaces.get(namespace);
    if (topics === undefined) return { subscriptions: [], published: 0, unheard: 0 };
    const subscriptions = [...topics.subscriptions].map((each) => each.state);
    subscriptions.sort((a, b) => compareText(a.topic, b.topic) || compareText(a.queue, b.queue));
    return { subscriptions, published: topics.publishedCount, unheard: topics.unheardCount };
  }

  /** Ends all subscriptions. */
  async stop(): Promise<void> {
    for (const { subscriptions } of this.#namespaces.values()) {
      for (const each of subscriptions) each.end();
    }
  }

  #topics(namespace: string): NamespaceTopics {
    const known = this.#namespaces.get(namespace);
    if (known !== undefined) return known;
    const topics = new NamespaceTopics();
    this.#namespaces.set(requireName("namespace", namespace), topics);
    return topics;
  }
}

/** All of them before any of them is sent. */
function checkMessages(messages: readonly BrokerMessage[]): void {
  if (messages.length > limits.brokerBatchCountMax) {
    throw new MicroError(
      "payload_too_large",
      `a batch of ${messages.length} messages is above the limit of ${limits.brokerBatchCountMax}`,
    );
  }
  let topic: string | undefined;
  let header: BrokerMessage["header"] | undefined;
  let headerByteCount = 0;
  for (const message of messages) {
    if (message.topic !== topic) topic = requireName("topic", message.topic);
    if (message.header !== header) {
      ({ header } = message);
      headerByteCount = headerLength(header);
    }
    const byteCount = message.body.byteLength + headerByteCount;
    if (byteCount <= limits.brokerMessageBytesMax) continue;
    throw new MicroError(
      "payload_too_large",
      `a message of ${byteCount} bytes on topic ${topic} is above the limit of ${limits.brokerMessageBytesMax} bytes`,
    );
  }
}

function headerLength(header: BrokerMessage["header"]): number {
  let length = 0;
  for (const key of Object.keys(header)) length += key.length + (header[key]?.length ?? 0);
  return length;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
