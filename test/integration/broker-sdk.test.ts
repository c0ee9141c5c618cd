import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import { createLogger } from "#base/logger.ts";
import { createBroker, type ReceivedMessage, type SubscriptionGap } from "#service/broker.ts";
import { createClient } from "#service/client.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { startBroker, testToken } from "../conformance/broker-server.ts";

describe("createBroker()", () => {
  it("sends objects as JSON, text and bytes as they are", async () => {
    await using server = await startBroker();
    const broker = createBroker(server.client());
    const messages = broker.subscribe("t");
    await messages.ready;
    await Promise.all([
      broker.publish("t", { name: "Jane" }),
      broker.publish("t", [1, 2], { header: { "content-TYPE": "application/vnd.list+json" } }),
      broker.publish("t", "text"),
      broker.publish("t", Uint8Array.of(0, 255)),
    ]);
    const [object, list, text, bytes] = await take(messages, 4);
    expect(object?.json()).toEqual({ name: "Jane" });
    expect(object?.header["Content-Type"]).toBe("application/json");
    expect(list?.json()).toEqual([1, 2]);
    expect(list?.header).toMatchObject({ "content-TYPE": "application/vnd.list+json" });
    expect(list?.header["Content-Type"]).toBeUndefined();
    expect([text?.text(), text?.header["Content-Type"]]).toEqual(["text", undefined]);
    expect(bytes?.body).toEqual(Uint8Array.of(0, 255));
    expect(() => bytes?.text()).toThrow("not text in UTF-8");
    expect(() => text?.json()).toThrow("a message of topic t is not JSON");
    await messages.stop();
  });

  it("keeps the order of thousands that nobody waits for, in few calls", async () => {
    await using server = await startBroker();
    const broker = createBroker(server.client());
    const messages = broker.subscribe("t");
    await messages.ready;
    const count = 5_000;
    const sent = Array.from({ length: count }, (_, index) => broker.publish("t", `${index}`));
    const heard = await take(messages, count);
    expect(heard.map((each) => each.text())).toEqual(Array.from({ length: count }, (_, index) => `${index}`));
    await Promise.all(sent);
    await messages.stop();
  });

  it("refuses a bad message alone, not those that travel with it", async () => {
    await using server = await startBroker();
    const broker = createBroker(server.client());
    // Below the limit here, above it with its header: only the server sees that.
    const header = { filler: "x".repeat(64) };
    const big = new Uint8Array(limits.brokerMessageBytesMax - 10);
    const outcomes = await Promise.allSettled([
      broker.publish("t", "a"),
      broker.publish("bad topic", "b"),
      broker.publish("t", new Uint8Array(limits.brokerMessageBytesMax + 1)),
      broker.publish("t", "c"),
      broker.publish("t", big, { header }),
      broker.publish("t", "d"),
    ]);
    expect(outcomes.map((each) => (each.status === "fulfilled" ? "taken" : codeOf(each.reason)))).toEqual([
      "taken",
      "invalid_argument",
      "payload_too_large",
      "taken",
      "payload_too_large",
      "taken",
    ]);
    expect(server.broker.state("micro").published).toBe(3);
  });

  it("refuses what is published when too much waits, instead of keeping it all", async () => {
    await using server = await startBroker();
    const broker = createBroker(server.client());
    const body = new Uint8Array(limits.brokerMessageBytesMax / 2);
    const count = (2 * limits.brokerPendingBytesMax) / body.byteLength;
    const outcomes = await Promise.allSettled(Array.from({ length: count }, () => broker.publish("t", body)));
    const refused = outcomes.filter((each) => each.status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(count);
    expect(codeOf(refused[0]?.reason)).toBe("too_many_requests");
    await broker.publish("t", body);
  });

  it("goes on after a handler has failed, and tells the logger", async () => {
    await using server = await startBroker();
    const lines: string[] = [];
    const logger = createLogger({ write: (line) => lines.push(line) });
    const broker = createBroker(server.client(), { logger });
    const heard: string[] = [];
    const subscription = broker.subscribe("t", {}, async (message) => {
      heard.push(message.text());
      if (message.text() === "bad") throw new Error("no good");
    });
    await subscription.ready;
    for (const text of ["one", "bad", "two"]) await broker.publish("t", text);
    await waitUntil("all were heard", () => heard.length === 3);
    await subscription.stop();
    expect(heard).toEqual(["one", "bad", "two"]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('a message could not be handled topic=t error="no good"');
    await waitUntil("the server knows", () => server.broker.subscriberCount === 0);
  });

  it("waits for the handler's last message when it stops", async () => {
    await using server = await startBroker();
    const broker = createBroker(server.client());
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let handledCount = 0;
    const subscription = broker.subscribe("t", {}, async () => {
      begun.resolve();
      await goOn.promise;
      handledCount += 1;
    });
    await subscription.ready;
    await Promise.all([broker.publish("t", "1"), broker.publish("t", "2")]);
    await begun.promise;
    const stopped = subscription.stop();
    goOn.resolve();
    await stopped;
    expect(handledCount).toBe(1);
  });

  it("ends quietly when the signal aborts, the loop is left, or the client is closed", async () => {
    await using server = await startBroker();
    const client = server.client();
    const broker = createBroker(client);
    const end = new AbortController();
    const aborted = broker.subscribe("t", { signal: end.signal });
    const left = broker.subscribe("t");
    const closed = broker.subscribe("t");
    await Promise.all([aborted.ready, left.ready, closed.ready]);
    await broker.publish("t", "x");
    for await (const message of left) {
      expect(message.text()).toBe("x");
      break;
    }
    await take(closed, 1);
    end.abort();
    expect((await aborted.next()).done).toBe(true);
    await waitUntil("one is left", () => server.broker.subscriberCount === 1);
    const next = closed.next();
    await client.stop();
    expect((await next).done).toBe(true);
    await waitUntil("none is left", () => server.broker.subscriberCount === 0);
    expect(broker.subscribe("t", { signal: AbortSignal.abort() }).ready).rejects.toMatchObject({ code: "cancelled" });
  });

  it("subscribes anew after a restart of the server, and tells that there was a gap", async () => {
    const before = await startBroker();
    const client = createClient({ address: before.address, token: testToken, namespace: "micro" });
    const lines: string[] = [];
    const broker = createBroker(client, { logger: createLogger({ write: (line) => lines.push(line) }) });
    const gaps: SubscriptionGap[] = [];
    const messages = broker.subscribe("t", { onGap: (gap) => gaps.push(gap) });
    const handled: string[] = [];
    const handler = broker.subscribe("t", {}, (message) => handled.push(message.text()));
    await Promise.all([messages.ready, handler.ready]);
    await broker.publish("t", "before");
    expect((await take(messages, 1))[0]?.text()).toBe("before");
    const next = messages.next();
    await before[Symbol.asyncDispose]();
    await using after = await startBroker(before.address);
    await waitUntil("both are back", () => after.broker.subscriberCount === 2);
    await broker.publish("t", "after");
    expect((await next).value?.text()).toBe("after");
    await waitUntil("the handler heard both", () => handled.length === 2);
    expect(gaps).toMatchObject([{ reason: { code: "unavailable" } }]);
    expect(gaps[0]?.durationMs).toBeGreaterThan(0);
    expect([messages.gaps, handler.gaps]).toEqual([1, 1]);
    expect(lines.some((line) => line.includes("subscribed anew, messages may be lost topic=t"))).toBe(true);
    await Promise.all([messages.stop(), handler.stop()]);
    await client.stop();
  });

  it("gives up where trying again does not help", async () => {
    await using server = await startBroker();
    const lines: string[] = [];
    const broker = createBroker(server.client(), { logger: createLogger({ write: (line) => lines.push(line) }) });
    const messages = broker.subscribe("a..b");
    expect(codeOf(await messages.ready.catch((reason: unknown) => reason))).toBe("invalid_argument");
    expect(codeOf(await messages.next().catch((reason: unknown) => reason))).toBe("invalid_argument");
    const handler = broker.subscribe("a..b", {}, () => undefined);
    await waitUntil("the failure is logged", () => lines.length > 0);
    expect(lines[0]).toContain("the subscription ended topic=a..b");
    await handler.stop();
  });

  it("leaves nothing behind when a thousand subscribers come and go", async () => {
    await using server = await startBroker();
    const broker = createBroker(server.client());
    for (let round = 0; round < 2; round += 1) {
      const all = Array.from({ length: 1_000 }, (_, index) => broker.subscribe(`t.${index % 10}`));
      await Promise.all(all.map((each) => each.ready));
      expect(server.broker.subscriberCount).toBe(1_000);
      await broker.publish("t.3", "x");
      const [message] = await take(all[3] ?? all[13], 1);
      expect(message?.text()).toBe("x");
      await Promise.all(all.map((each) => each.stop()));
      await waitUntil("all have left", () => server.broker.subscriberCount === 0);
    }
  }, 60_000);
});

async function take(messages: AsyncIterator<ReceivedMessage> | undefined, count: number): Promise<ReceivedMessage[]> {
  const taken: ReceivedMessage[] = [];
  while (taken.length < count) {
    const next = await messages?.next();
    if (next === undefined || next.done === true) throw new Error(`the end came after ${taken.length} messages`);
    taken.push(next.value);
  }
  return taken;
}

function codeOf(reason: unknown): unknown {
  return (reason as { readonly code?: unknown }).code;
}
