import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { createEvents, type Events } from "#service/events.ts";
import { z } from "#service/index.ts";
import { refusal } from "#testing/refusal.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { numbers, settled, take, texts } from "./sdk-events-scene.ts";
import { serveEvents, type StateServer } from "./sdk-state-server.ts";

let server: StateServer;
let events: Events;
let topicCount = 0;

beforeAll(async () => {
  server = await serveEvents();
  events = createEvents(server.client());
});
afterAll(() => server[Symbol.asyncDispose]());

function freshTopic(): string {
  return `topic-${(topicCount += 1)}`;
}

describe("Events.publish()", () => {
  it("carries objects as JSON, text and bytes as they are", async () => {
    const topic = freshTopic();
    await events.publish(topic, { text: "hi" });
    await events.publish(topic, "plain");
    await events.publish(topic, new Uint8Array([0, 255]), {
      id: "an-id",
      metadata: { a: "b" },
      timestamp: new Date("2026-01-01T00:00:00.123Z"),
    });
    const [first, second, third] = await events.read(topic);
    expect(first?.json<{ text: string }>().text).toBe("hi");
    expect(first?.json(z.object({ text: z.string() }))).toEqual({ text: "hi" });
    expect(second?.text()).toBe("plain");
    expect(third?.payload).toEqual(new Uint8Array([0, 255]));
    expect([third?.id, third?.sequence, third?.metadata, third?.timestamp.toISOString()]).toEqual([
      "an-id",
      3,
      { a: "b" },
      "2026-01-01T00:00:00.123Z",
    ]);
  });

  it("says where an event went, and when it was there already", async () => {
    const topic = freshTopic();
    expect(await events.publish(topic, "a", { id: "1" })).toEqual({ id: "1", sequence: 1, isDuplicate: false });
    expect(await events.publish(topic, "b", { id: "1" })).toEqual({ id: "1", sequence: 1, isDuplicate: true });
    expect((await events.publish(topic, "c")).sequence).toBe(2);
  });

  it("keeps the order of the calls", async () => {
    const topic = freshTopic();
    const published = await Promise.all(numbers(2_500).map((text) => events.publish(topic, text)));
    expect(published.map((each) => each.sequence)).toEqual(published.map((_, index) => index + 1));
    expect(texts(await Array.fromAsync(events.history(topic)))).toEqual(numbers(2_500));
  });

  it("refuses a bad event alone", async () => {
    const topic = freshTopic();
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    const outcomes = await Promise.allSettled([
      events.publish(topic, "before"),
      events.publish("../etc", "x"),
      events.publish(topic, circle),
      events.publish(topic, new Uint8Array(9 * 1024 * 1024)),
      // Only the server knows that this key is its own.
      events.publish(topic, "marked", { metadata: { "micro-redrive-group": "g" } }),
      events.publish(topic, "after"),
    ]);
    expect(outcomes.map((each) => each.status)).toEqual([
      "fulfilled",
      "rejected",
      "rejected",
      "rejected",
      "rejected",
      "fulfilled",
    ]);
    expect(texts(await events.read(topic))).toEqual(["before", "after"]);
  });

  it("holds what is published while the server is away, and doubles nothing", async () => {
    await using away = await serveEvents();
    const publisher = createEvents(away.client());
    const topic = freshTopic();
    await publisher.publish(topic, "first");
    await away.stop();
    const waiting = Promise.all(numbers(50).map((text) => publisher.publish(topic, text)));
    await away.start();
    expect((await waiting).map((each) => each.isDuplicate)).toEqual(Array(50).fill(false));
    expect(texts(await publisher.read(topic))).toEqual(["first", ...numbers(50)]);
  });

  it("loses and doubles nothing when connections break under load", async () => {
    await using shaky = await serveEvents();
    const publisher = createEvents(shaky.client());
    const topic = freshTopic();
    const all = Promise.all(
      Array.from({ length: 20 }, async (_, lane) => {
        for (let index = 0; index < 50; index += 1) await publisher.publish(topic, `${lane}:${index}`);
      }),
    );
    for (let round = 1; round <= 5; round += 1) {
      await waitUntil(
        "some to be there",
        async () => (await shaky.events.topics("micro"))[0]?.lastSequence ?? 0 >= round * 50,
      );
      await shaky.stop();
      await shaky.start();
    }
    await all;
    const found = texts(await Array.fromAsync(publisher.history(topic)));
    expect(found.length).toBe(1_000);
    expect(new Set(found).size).toBe(1_000);
    for (let lane = 0; lane < 20; lane += 1) {
      const own = found.filter((each) => each.startsWith(`${lane}:`));
      expect(own).toEqual(Array.from({ length: 50 }, (_, index) => `${lane}:${index}`));
    }
  }, 30_000);

  it("gives up in time, with the reason", async () => {
    const gone = await serveEvents();
    const publisher = createEvents(gone.client(), { publishTimeoutMs: 50 });
    await gone.stop();
    expect((await refusal(publisher.publish("t", "x"))).code).toBe("unavailable");
    await gone[Symbol.asyncDispose]();
  });
});

describe("Events.publishAll()", () => {
  it("appends in order, from any source", async () => {
    const topic = freshTopic();
    async function* source(): AsyncGenerator<string> {
      yield* numbers(3_000);
    }
    const published = await events.publishAll(topic, source());
    expect(published.at(-1)?.sequence).toBe(3_000);
    expect(texts(await Array.fromAsync(events.history(topic)))).toEqual(numbers(3_000));
  });

  it("stops at the first failure", async () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    expect((await refusal(events.publishAll(freshTopic(), ["a", circle, "b"]))).code).toBe("invalid_argument");
  });
});

describe("Events.read() and history()", () => {
  it("give parts and the whole", async () => {
    const topic = freshTopic();
    await events.publishAll(topic, numbers(2_100));
    expect(texts(await events.read(topic, { offset: 3, limit: 2 }))).toEqual(["3", "4"]);
    expect(texts(await events.read(topic, { start: { sequence: 2_099 } }))).toEqual(["2098", "2099"]);
    expect((await events.read(topic)).length).toBe(250);
    expect((await Array.fromAsync(events.history(topic, { start: { sequence: 100 } }))).length).toBe(2_001);
    expect(await events.read("nothing-here")).toEqual([]);
    expect((await refusal(events.read(topic, { limit: 0 }))).detail).toBe("limit is a whole number from 1 on, not 0");
  });
});

describe("Events.topics(), groups() and what an operator does", () => {
  it("tell and change what is kept", async () => {
    const topic = freshTopic();
    await events.publishAll(topic, numbers(3));
    await events.setRetention(topic, { ageMs: 60_000, count: 10 });
    const state = (await events.topics()).find((each) => each.name === topic);
    expect(state).toMatchObject({
      firstSequence: 1,
      lastSequence: 3,
      count: 3,
      retention: { ageMs: 60_000, count: 10 },
    });
    await take(events.consume(topic, { group: "g", start: "earliest" }), 2);
    expect(await settled(events, topic, "g")).toMatchObject({ topic, sequence: 2, lag: 1, dead: 0 });
    await events.deleteGroup(topic, "g");
    expect(await events.groups(topic)).toEqual([]);
    await events.deleteTopic(topic);
    expect((await events.topics()).some((each) => each.name === topic)).toBe(false);
    expect((await refusal(events.redrive(topic, "nobody"))).code).toBe("not_found");
    expect((await refusal(events.setRetention(topic, { count: -1 }))).detail).toContain("count is a whole number");
  });
});
