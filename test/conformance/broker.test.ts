import { describeBroker, type BrokerSubject, type TestSubscription } from "#conformance/broker-suite.ts";
import { Broker as BrokerService, type StatsResponse } from "#gen/broker/broker_pb.ts";
import { MemoryBroker } from "#core/broker/memory-broker.ts";
import type { BrokerMessage, BrokerState, SubscribeOptions } from "#interface/broker.ts";
import { createBroker, type Broker } from "#service/broker.ts";
import type { Client } from "#service/client.ts";
import { createProtoClient } from "#service/proto.ts";
import { startBroker } from "./broker-server.ts";

describeBroker("MemoryBroker", () => {
  const broker = new MemoryBroker();
  return Promise.resolve({
    publish: async (namespace: string, messages: readonly BrokerMessage[]) => broker.publish(namespace, messages),
    subscribe: async (options: SubscribeOptions) => readSingly(broker, options),
    state: (namespace: string) => Promise.resolve(broker.state(namespace)),
    [Symbol.asyncDispose]: () => broker.stop(),
  });
});

describeBroker("broker over RPC", async (): Promise<BrokerSubject> => {
  const server = await startBroker();
  const clients = new Map<string, { readonly client: Client; readonly broker: Broker }>();
  const open = (namespace: string): { readonly client: Client; readonly broker: Broker } => {
    const known = clients.get(namespace);
    if (known !== undefined) return known;
    const client = server.client(namespace);
    const opened = { client, broker: createBroker(client) };
    clients.set(namespace, opened);
    return opened;
  };
  return {
    publish: async (namespace, messages) => {
      const { broker } = open(namespace);
      await Promise.all(messages.map(({ topic, header, body }) => broker.publish(topic, body, { header })));
    },
    subscribe: async ({ namespace, topic, queue, signal }) => {
      const options = { ...(queue !== undefined && { queue }), ...(signal !== undefined && { signal }) };
      const messages = open(namespace).broker.subscribe(topic, options);
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
    },
    state: async (namespace) =>
      toState(await createProtoClient(open(namespace).client, "broker", BrokerService).stats({})),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
});

function readSingly(broker: MemoryBroker, options: SubscribeOptions): TestSubscription {
  const subscription = broker.subscribe(options);
  const reader = subscription[Symbol.asyncIterator]();
  let waiting: readonly BrokerMessage[] = [];
  let dropped = 0;
  return {
    next: async () => {
      if (waiting.length === 0) {
        const { done, value } = await reader.next();
        if (done === true) throw new Error("the subscription ended");
        waiting = value;
        dropped += subscription.takeDropped();
      }
      const [first, ...rest] = waiting;
      waiting = rest;
      if (first === undefined) throw new Error("an empty batch came");
      return first;
    },
    get dropped() {
      return dropped;
    },
    leave: async () => {
      await reader.return?.();
    },
  };
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
