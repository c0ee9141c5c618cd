import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import { createLogger } from "#base/logger.ts";
import { createEvents, deadLetterTopic, type ConsumedEvent, type Events } from "#service/events.ts";
import { z } from "#service/index.ts";
import { waitUntil } from "#testing/wait-until.ts";
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

async function refusal(work: Promise<unknown>): Promise<MicroError> {
  const reason = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!MicroError.is(reason)) throw new Error(`expected a MicroError, got ${String(reason)}`);
  return reason;
}

/** The first so many events of a loop. */
async function take(source: AsyncIterable<ConsumedEvent>, count: number): Promise<ConsumedEvent[]> {
  const taken: ConsumedEvent[] = [];
  for await (const event of source) {
    taken.push(event);
    event.ack();
    if (taken.length === count) break;
  }
  return taken;
}

const texts = (found: readonly { text(): string }[]): string[] => found.map((each) => each.text());
const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

/** The group's state once its consumers are gone. */
async function settled(topic: string, group: string) {
  return waitUntil("the group's consumers to leave", async () =>
    (await events.groups(topic)).find((each) => each.name === group && each.consumers === 0),
  );
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
    expect((await settled(topic, "g")).sequence).toBe(2);
    const rest = await take(events.consume(topic, { group: "g" }), 3);
    expect(texts(rest)).toEqual(["2", "3", "4"]);
    expect((await settled(topic, "g")).sequence).toBe(5);
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

  it("gets what is not acknowledged in time again, but not while somebody works on it", async () => {
    const topic = freshTopic();
    await events.publish(topic, "slow");
    const source = events.consume(topic, { group: "g", start: "earliest", ackWaitMs: 30 })[Symbol.asyncIterator]();
    const first = await source.next();
    const second = source.next();
    await second.catch(() => undefined).constructor;
    expect(first.done).toBe(false);
    await waitUntil("it to be done", async () => (await events.groups(topic))[0]?.sequence === 1);
    await source.return?.();
    expect((await second).done).toBe(true);
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
    expect((await settled(topic, "g")).sequence).toBe(3);
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
    expect((await settled(topic, "g")).pending).toBe(0);
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
    expect((await settled(topic, "g")).sequence).toBe(30);
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
    const state = await settled(topic, "g");
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
    expect(await settled(topic, "g")).toMatchObject({ topic, sequence: 2, lag: 1, dead: 0 });
    await events.deleteGroup(topic, "g");
    expect(await events.groups(topic)).toEqual([]);
    await events.deleteTopic(topic);
    expect((await events.topics()).some((each) => each.name === topic)).toBe(false);
    expect((await refusal(events.redrive(topic, "nobody"))).code).toBe("not_found");
    expect((await refusal(events.setRetention(topic, { count: -1 }))).detail).toContain("count is a whole number");
  });
});
