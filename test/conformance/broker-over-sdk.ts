import type { BrokerSubject, TestSubscription } from "#conformance/broker-suite.ts";
import { Broker as BrokerService, type StatsResponse } from "#gen/broker/broker_pb.ts";
import type { BrokerMessage, BrokerState } from "#interface/broker.ts";
import { createBroker, type Broker } from "#service/broker.ts";
import type { Client } from "#service/client.ts";
import { createProtoClient } from "#service/proto.ts";

interface OpenClient {
  readonly client: Client;
  readonly broker: Broker;
}

/** The broker as programs reach it, with a client for each namespace. */
export class BrokerOverSdk implements Omit<BrokerSubject, keyof AsyncDisposable> {
  readonly #createClient: (namespace: string) => Client;
  readonly #opened = new Map<string, OpenClient>();

  constructor(createClient: (namespace: string) => Client) {
    this.#createClient = createClient;
  }

  async publish(namespace: string, messages: readonly BrokerMessage[]): Promise<void> {
    const { broker } = this.#open(namespace);
    await Promise.all(messages.map(({ topic, header, body }) => broker.publish(topic, body, { header })));
  }

  async subscribe({
    namespace,
    topic,
    queue,
    signal,
  }: Parameters<BrokerSubject["subscribe"]>[0]): Promise<TestSubscription> {
    const options = { ...(queue !== undefined && { queue }), ...(signal !== undefined && { signal }) };
    const messages = this.#open(namespace).broker.subscribe(topic, options);
    await messages.ready;
    return {
      next: async () => {
        const { value } = await messages.next();
        if (value === undefined) throw new Error("the subscription ended");
        return value;
      },
      get dropped() {
        return messages.dropped;
      },
      leave: () => messages.stop(),
    };
  }

  async state(namespace: string): Promise<BrokerState> {
    return toState(await createProtoClient(this.#open(namespace).client, "broker", BrokerService).stats({}));
  }

  #open(namespace: string): OpenClient {
    const known = this.#opened.get(namespace);
    if (known !== undefined) return known;
    const client = this.#createClient(namespace);
    const opened = { client, broker: createBroker(client) };
    this.#opened.set(namespace, opened);
    return opened;
  }
}

function toState({ subscriptions, published, unheard }: StatsResponse): BrokerState {
  return {
    subscriptions: subscriptions.map(({ topic, queue, delivered, dropped, waiting }) => ({
      topic,
      queue,
      delivered: Number(delivered),
      dropped: Number(dropped),
      waiting: Number(waiting),
    })),
    published: Number(published),
    unheard: Number(unheard),
  };
}
