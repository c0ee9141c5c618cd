import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import type { BrokerMessage } from "#interface/broker.ts";
import { MemoryBroker } from "./memory-broker.ts";

const namespace = "micro";

function message(topic: string, body = "x"): BrokerMessage {
  return { topic, header: {}, body: new TextEncoder().encode(body) };
}

describe("MemoryBroker", () => {
  it("forgets a thousand subscribers that come and go, and what they asked for", async () => {
    const broker = new MemoryBroker();
    for (let round = 0; round < 3; round += 1) {
      const end = new AbortController();
      const all = Array.from({ length: 1_000 }, (_, index) =>
        broker.subscribe({
          namespace,
          topic: [`topic.${index}`, "topic.*", ">"][index % 3] ?? "",
          queue: index % 2 === 0 ? "q" : "",
          ...(index % 4 === 0 && { signal: end.signal }),
        }),
      );
      broker.publish(namespace, [message("topic.3"), message("topic.4")]);
      expect(broker.subscriberCount).toBe(1_000);
      end.abort();
      expect(broker.subscriberCount).toBe(750);
      for (const each of all) await each[Symbol.asyncIterator]().return?.();
      expect(broker.subscriberCount).toBe(0);
    }
    expect(broker.state(namespace)).toEqual({ subscriptions: [], published: 6, unheard: 0 });
    broker.publish(namespace, [message("topic.3")]);
    expect(broker.state(namespace).unheard).toBe(1);
  });

  it("ends a subscription whose signal has aborted before", async () => {
    const broker = new MemoryBroker();
    const subscription = broker.subscribe({ namespace, topic: "t", signal: AbortSignal.abort() });
    expect(broker.subscriberCount).toBe(0);
    expect((await subscription[Symbol.asyncIterator]().next()).done).toBe(true);
  });

  it("ends a reader that waits when the broker stops", async () => {
    const broker = new MemoryBroker();
    const next = broker.subscribe({ namespace, topic: "t" })[Symbol.asyncIterator]().next();
    await broker.stop();
    expect((await next).done).toBe(true);
    expect(broker.subscriberCount).toBe(0);
  });

  it("refuses one subscriber too many, and takes him when another has left", () => {
    const broker = new MemoryBroker();
    const end = new AbortController();
    broker.subscribe({ namespace, topic: "t", signal: end.signal });
    for (let count = 1; count < limits.subscribersPerNamespaceMax; count += 1) {
      broker.subscribe({ namespace, topic: "t" });
    }
    expect(() => broker.subscribe({ namespace, topic: "t" })).toThrow("which is the limit");
    broker.subscribe({ namespace: "other", topic: "t" });
    end.abort();
    broker.subscribe({ namespace, topic: "t" });
  });

  it("holds no more bytes for one subscriber than the limit, and none of the publisher's", async () => {
    const broker = new MemoryBroker();
    const reader = broker.subscribe({ namespace, topic: "t" })[Symbol.asyncIterator]();
    const request = new Uint8Array(4 * limits.brokerMessageBytesMax);
    for (let count = 0; count < 20; count += 1) {
      broker.publish(namespace, [
        { topic: "t", header: {}, body: request.subarray(0, limits.brokerMessageBytesMax / 2) },
      ]);
    }
    const [state] = broker.state(namespace).subscriptions;
    expect((state?.waiting ?? 0) + (state?.dropped ?? 0)).toBe(20);
    let heldBytes = 0;
    for (let left = state?.waiting ?? 0; left > 0;) {
      const { value = [] } = await reader.next();
      for (const { body } of value) heldBytes += body.buffer.byteLength;
      left -= value.length;
    }
    expect(heldBytes).toBeLessThanOrEqual(limits.brokerQueueBytesMax);
    expect(heldBytes).toBeGreaterThan(limits.brokerQueueBytesMax / 2);
  });

  it("refuses a batch above the limit", () => {
    const batch = Array.from({ length: limits.brokerBatchCountMax + 1 }, () => message("t"));
    expect(() => new MemoryBroker().publish(namespace, batch)).toThrow("above the limit of");
  });
});
