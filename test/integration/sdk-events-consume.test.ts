import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { createLogger } from "#base/logger.ts";
import { createEvents, deadLetterTopic, type Events } from "#service/events.ts";
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

describe("Events.consume()", () => {
  it("acknowledges an event when the next one is asked for", async () => {
    const topic = freshTopic();
    await events.publishAll(topic, numbers(5));
    let count = 0;
    for await (const event of events.consume(topic, { group: "g", start: "earliest" })) {
      expect([event.text(), event.attempt, event.topic]).toEqual([String(count), 1, topic]);
      count += 1;
      if (count === 3) break;
    }
    expect((await settled(events, topic, "g")).sequence).toBe(2);
    const rest = await take(events.consume(topic, { group: "g" }), 3);
    expect(texts(rest)).toEqual(["2", "3", "4"]);
    expect((await settled(events, topic, "g")).sequence).toBe(5);
  });

  it("does not count what it never handed out as an attempt", async () => {
    const topic = freshTopic();
    await events.publishAll(topic, numbers(5));
    await take(events.consume(topic, { group: "g", start: "earliest", retryLimit: 0 }), 1);
    const rest = await take(events.consume(topic, { group: "g", retryLimit: 0 }), 4);
    expect(rest.map((each) => [each.text(), each.attempt])).toEqual(["1", "2", "3", "4"].map((text) => [text, 1]));
  });

  it("gets an event again after nack, and gives it up after the last attempt", async () => {
    const topic = freshTopic();
    await events.publish(topic, "bad");
    const attempts: number[] = [];
    for await (const event of events.consume(topic, { group: "g", start: "earliest", retryLimit: 2 })) {
      attempts.push(event.attempt);
      event.nack({ delayMs: 1 });
      event.ack();
      if (event.attempt === 3) break;
    }
    expect(attempts).toEqual([1, 2, 3]);
    const dead = deadLetterTopic(topic, "g");
    await waitUntil("the dead letter", async () => (await events.read(dead)).length === 1);
    expect(await events.redrive(topic, "g")).toBe(1);
    const [again] = await take(events.consume(topic, { group: "g" }), 1);
    expect(again?.text()).toBe("bad");
  });

  it("hands an event out once, also when the server sends it again while somebody works on it", async () => {
    const topic = freshTopic();
    await events.publish(topic, "slow");
    const source = events.consume(topic, { group: "g", start: "earliest", ackWaitMs: 20 });
    const attempts: number[] = [];
    for await (const event of source) {
      attempts.push(event.attempt);
      if (event.text() === "next") break;
      // Three times as long as the server waits.
      await Bun.sleep(60);
      await events.publish(topic, "next");
    }
    expect(attempts).toEqual([1, 1]);
    expect((await settled(events, topic, "g")).sequence).toBe(1);
  });

  it("gives what waits for its turn its full time", async () => {
    const topic = freshTopic();
    await events.publishAll(topic, numbers(3));
    const source = events.consume(topic, { group: "g", start: "earliest", ackWaitMs: 400, retryLimit: 0 });
    const attempts: number[] = [];
    for await (const event of source) {
      // Works for three quarters of the time, so that the third would be late if it ran from the sending.
      await Bun.sleep(250);
      attempts.push(event.attempt);
      event.ack();
      if (attempts.length === 3) break;
    }
    expect(attempts).toEqual([1, 1, 1]);
    expect((await settled(events, topic, "g")).sequence).toBe(3);
    expect(await events.read(deadLetterTopic(topic, "g"))).toEqual([]);
  });

  it("begins at a place, at a time, and with the next event", async () => {
    const topic = freshTopic();
    await events.publishAll(topic, numbers(5));
    expect(texts(await take(events.consume(topic, { start: { sequence: 4 } }), 2))).toEqual(["3", "4"]);
    expect(texts(await take(events.consume(topic, { start: { time: new Date(1) } }), 1))).toEqual(["0"]);
    const latest = take(events.consume(topic), 1);
    await waitUntil("an event to come", async () => {
      await events.publish(topic, "new");
      return Promise.race([latest, Promise.resolve(undefined)]);
    });
    expect(texts(await latest)).toEqual(["new"]);
  });

  it("shares the events of a group", async () => {
    const topic = freshTopic();
    await events.publishAll(topic, numbers(200));
    const stopping = new AbortController();
    const seen: string[] = [];
    const options = { group: "g", start: "earliest", pendingMax: 10, signal: stopping.signal } as const;
    const members = [0, 1, 2].map(async () => {
      let count = 0;
      for await (const event of events.consume(topic, options)) {
        seen.push(event.text());
        count += 1;
        await Promise.resolve();
      }
      return count;
    });
    await waitUntil("all to be seen", async () => seen.length >= 200);
    await waitUntil("all to be done", async () => (await events.groups(topic))[0]?.sequence === 200);
    stopping.abort();
    expect((await Promise.all(members)).reduce((sum, each) => sum + each, 0)).toBe(200);
    expect(new Set(seen).size).toBe(200);
  });

  it("ends with its signal, also when nothing comes", async () => {
    const stopping = new AbortController();
    const ended = Array.fromAsync(events.consume(freshTopic(), { signal: stopping.signal }));
    const group = Array.fromAsync(events.consume(freshTopic(), { group: "g", signal: stopping.signal }));
    stopping.abort();
    expect([await ended, await group]).toEqual([[], []]);
    const late = events.consume(freshTopic(), { signal: stopping.signal });
    expect(await Array.fromAsync(late)).toEqual([]);
  });

  it("throws what the server refuses", async () => {
    expect((await refusal(take(events.consume(freshTopic(), { pendingMax: 10_000_000 }), 1))).code).toBe(
      "invalid_argument",
    );
    expect(() => events.consume("no topic!")).toThrow("topic name");
    expect(() => events.consume("t", { start: { sequence: 0 } })).toThrow("start.sequence");
  });

  it("does not acknowledge where that is not asked for, and goes on behind what it got", async () => {
    const topic = freshTopic();
    await events.publishAll(topic, numbers(10));
    await take(events.consume(topic, { group: "g", start: "earliest", isAutoAck: true, pendingMax: 2 }), 3);
    expect((await settled(events, topic, "g")).pending).toBe(0);
  });

  describe("when the server goes away and comes back", () => {
    it.each([
      ["a group", { group: "g", start: "earliest" }],
      ["a reader of its own", { start: "earliest" }],
      ["a reader of its own that does not acknowledge", { start: "earliest", isAutoAck: true }],
      ["a reader of its own from the next event on", { start: "latest" }],
    ] as const)(
      "misses nothing as %s",
      async (_name, options) => {
        await using shaky = await serveEvents();
        const publisher = createEvents(shaky.client());
        const topic = freshTopic();
        const stopping = new AbortController();
        const seen: string[] = [];
        if (options.start === "latest") await publisher.publish(topic, "old");
        const reading = (async () => {
          const consumer = createEvents(shaky.client());
          for await (const event of consumer.consume(topic, { ...options, pendingMax: 7, signal: stopping.signal })) {
            seen.push(event.text());
          }
        })();
        if (options.start === "latest") {
          await waitUntil("the reader to be there", async () => {
            await publisher.publish(topic, "ready?");
            return seen.length > 0;
          });
        }
        const expected: string[] = [];
        for (let round = 0; round < 4; round += 1) {
          const some = numbers(40).map((text) => `${round}:${text}`);
          await publisher.publishAll(topic, some);
          expected.push(...some);
          await waitUntil("some to be seen", async () => seen.includes(`${round}:1`));
          await shaky.stop();
          await shaky.start();
        }
        const fresh = (): string[] => seen.filter((each) => each.includes(":"));
        await waitUntil("all to be seen", async () => new Set(fresh()).size === expected.length);
        stopping.abort();
        await reading;
        expect([...new Set(fresh())].toSorted()).toEqual(expected.toSorted());
        // A group may get again what was on its way; a reader of its own does not.
        if (!("group" in options)) expect(fresh()).toEqual(expected);
      },
      30_000,
    );
  });
});

describe("Events.handle()", () => {
  const silent = createLogger({ write: () => undefined });

  it("handles in order, one at a time", async () => {
    const topic = freshTopic();
    await events.publishAll(topic, numbers(30));
    const seen: string[] = [];
    let running = 0;
    const handling = events.handle(topic, { group: "g", start: "earliest" }, async (event) => {
      running += 1;
      expect(running).toBe(1);
      await Promise.resolve();
      seen.push(event.text());
      running -= 1;
    });
    await waitUntil("all to be seen", async () => seen.length === 30);
    await handling.stop();
    expect(seen).toEqual(numbers(30));
    expect((await settled(events, topic, "g")).sequence).toBe(30);
    expect(await handling.ended).toBeUndefined();
  });

  it("handles so many at a time, and waits for them when it is stopped", async () => {
    const topic = freshTopic();
    await events.publishAll(topic, numbers(20));
    const gate = Promise.withResolvers<void>();
    let running = 0;
    let finished = 0;
    const handling = events.handle(topic, { group: "g", start: "earliest", concurrency: 5 }, async () => {
      running += 1;
      await gate.promise;
      finished += 1;
    });
    await waitUntil("five to run", async () => running === 5);
    const stopped = handling.stop();
    gate.resolve();
    await stopped;
    expect([running, finished]).toEqual([5, 5]);
    const state = await settled(events, topic, "g");
    expect([state.sequence, state.pending, state.lag]).toEqual([5, 0, 15]);
  });

  it("logs what a handler throws, and handles the event again", async () => {
    const topic = freshTopic();
    await events.publish(topic, "x");
    const lines: string[] = [];
    const attempts: number[] = [];
    const logger = createLogger({ write: (line) => lines.push(line) });
    const handling = events.handle(topic, { group: "g", start: "earliest", logger }, (event) => {
      attempts.push(event.attempt);
      if (event.attempt === 1) throw new Error("not today");
    });
    await waitUntil("two attempts", async () => attempts.length === 2);
    await handling.stop();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("not today");
  });

  it("ends with its signal, and says when the server refuses", async () => {
    const stopping = new AbortController();
    const handling = events.handle(freshTopic(), { signal: stopping.signal }, () => undefined);
    stopping.abort();
    expect(await handling.ended).toBeUndefined();
    const refused = events.handle(freshTopic(), { pendingMax: 10_000_000, logger: silent }, () => undefined);
    expect((await refused.ended)?.code).toBe("invalid_argument");
    await refused.stop();
  });
});
