import { describe, expect, it } from "bun:test";
import { deliver } from "./deliver.ts";
import { MemoryBroker } from "./memory-broker.ts";

describe("deliver()", () => {
  it("says that the subscription stands, and in a silence that it still does", async () => {
    const broker = new MemoryBroker();
    const deliveries = deliver(broker.subscribe({ namespace: "micro", topic: "t" }), 1);
    for (let count = 0; count < 3; count += 1) {
      expect((await deliveries.next()).value).toEqual({ messages: [], dropped: 0n });
    }
    const body = new Uint8Array([1]);
    const next = deliveries.next();
    broker.publish("micro", [{ topic: "t", header: {}, body }]);
    const found = await next;
    // The silence may have been told first.
    const { value } = found.value?.messages.length === 0 ? await deliveries.next() : found;
    expect(value?.messages).toMatchObject([{ topic: "t" }]);
    await deliveries.return(undefined);
    expect(broker.subscriberCount).toBe(0);
  });
});
