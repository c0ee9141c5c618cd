import { describeBroker, type BrokerSubject, type TestSubscription } from "#conformance/broker-suite.ts";
import { MemoryBroker } from "#core/broker/memory-broker.ts";
import type { BrokerMessage, SubscribeOptions } from "#interface/broker.ts";
import { BrokerOverSdk } from "./broker-over-sdk.ts";
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
  const broker = new BrokerOverSdk((namespace) => server.client(namespace));
  return {
    publish: (namespace, messages) => broker.publish(namespace, messages),
    subscribe: (options) => broker.subscribe(options),
    state: (namespace) => broker.state(namespace),
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
