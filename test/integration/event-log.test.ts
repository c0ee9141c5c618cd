import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import fc from "fast-check";
import { limits } from "#base/limits.ts";
import { expectError } from "#conformance/expect-error.ts";
import type { EventLog } from "#core/events/event-log.ts";
import { MemoryEventLog } from "#core/events/memory-event-log.ts";
import { SqliteEventLog } from "#core/events/sqlite-event-log.ts";
import type { NewEvent, StoredEvent, TopicKey } from "#interface/events.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

const namespace = "micro";
const encoder = new TextEncoder();

/** A clock that only the test moves. */
const clock = { nowMs: 1_000_000, now: () => clock.nowMs };

function keyOf(topic: string): TopicKey {
  return { namespace, topic };
}

function newEvent(topic: string, text: string, id?: string): NewEvent {
  return { topic, payload: encoder.encode(text), ...(id === undefined ? {} : { id }) };
}

function readAll(log: EventLog, topic: string): readonly StoredEvent[] {
  return log.read(keyOf(topic), { sequence: 1, countMax: 1_000_000, bytesMax: Number.POSITIVE_INFINITY });
}

function texts(events: readonly StoredEvent[]): string[] {
  return events.map((each) => new TextDecoder().decode(each.payload));
}

const topicName = fc.constantFrom("a", "b");
const step = fc.oneof(
  fc.record({
    kind: fc.constant("write" as const),
    events: fc.array(
      fc.record({
        topic: topicName,
        size: fc.nat({ max: 3_000 }),
        id: fc.option(fc.constantFrom("1", "2", "3", "4"), { nil: undefined }),
      }),
      { maxLength: 30 },
    ),
  }),
  fc.record({ kind: fc.constant("trim" as const), topic: topicName, upTo: fc.nat({ max: 60 }) }),
  fc.record({ kind: fc.constant("delete" as const), topic: topicName }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Does a step on a log, and says what a publisher is told. */
async function apply(log: EventLog, space: string, each: Step): Promise<readonly object[]> {
  if (each.kind === "delete") {
    await log.deleteTopic({ namespace: space, topic: each.topic });
    return [];
  }
  if (each.kind === "trim") {
    const { topic, upTo } = each;
    return log.write({ namespace: space, events: [], trims: [{ namespace: space, topic, upTo }] });
  }
  const events = each.events.map(({ topic, size, id }) => ({
    topic,
    payload: new Uint8Array(size).fill(size),
    ...(id === undefined ? {} : { id }),
  }));
  const published = await log.write({ namespace: space, events });
  return published.map(({ sequence, isDuplicate }) => ({ sequence, isDuplicate }));
}

describe("SqliteEventLog", () => {
  let temp: TempFolder;
  let log: SqliteEventLog;
  let topicCount = 0;
  const freshTopic = (): string => {
    topicCount += 1;
    return `topic-${topicCount}`;
  };
  const fill = async (topic: string, count: number): Promise<void> => {
    const events = Array.from({ length: count }, (_, index) => newEvent(topic, `${index + 1}`));
    await log.write({ namespace, events });
  };
  beforeAll(async () => {
    temp = await createTempFolder();
    log = await SqliteEventLog.open({ folder: temp.path, clock });
  });
  afterAll(async () => {
    await log.close();
    await temp[Symbol.asyncDispose]();
  });

  describe("write()", () => {
    it("gives places from 1 on without gaps, whoever writes at the same time", async () => {
      const topic = freshTopic();
      const published = await Promise.all(
        Array.from({ length: 300 }, (_, index) =>
          log.write({ namespace, events: [newEvent(topic, `${index}`), newEvent(topic, `${index}+`)] }),
        ),
      );
      const sequences = published.flat().map((each) => each.sequence);
      expect(sequences).toEqual(Array.from({ length: 600 }, (_, index) => index + 1));
      const events = readAll(log, topic);
      expect(events.map((each) => each.sequence)).toEqual(sequences);
      expect(events.map((each) => each.id)).toEqual(published.flat().map((each) => each.id));
      expect(new Set(events.map((each) => each.id)).size).toBe(600);
    });

    it("keeps payload, metadata, id and time as they were given", async () => {
      const topic = freshTopic();
      const payload = crypto.getRandomValues(new Uint8Array(200_000));
      const metadata = { a: "1", ключ: "值 🙂" };
      await log.write({ namespace, events: [{ topic, payload, metadata, id: "größe-🙂", timestampMs: 7 }] });
      await log.write({ namespace, events: [{ topic, payload: new Uint8Array(0) }] });
      expect(readAll(log, topic)).toEqual([
        { namespace, topic, payload, metadata, id: "größe-🙂", timestampMs: 7, sequence: 1 },
        expect.objectContaining({ payload: new Uint8Array(0), metadata: {}, timestampMs: clock.nowMs, sequence: 2 }),
      ]);
    });

    it("lets callers use their memory again at once", async () => {
      const topic = freshTopic();
      const payload = encoder.encode("first");
      const writing = log.write({ namespace, events: [{ topic, payload }] });
      payload.fill(0);
      await writing;
      expect(texts(readAll(log, topic))).toEqual(["first"]);
    });

    it("appends an id once, in one batch, in one commit and later", async () => {
      const topic = freshTopic();
      const batch = [newEvent(topic, "1", "a"), newEvent(topic, "2", "a"), newEvent(topic, "3", "b")];
      const [first, second] = await Promise.all([
        log.write({ namespace, events: batch }),
        log.write({ namespace, events: [newEvent(topic, "4", "b"), newEvent(topic, "5")] }),
      ]);
      const third = await log.write({ namespace, events: [newEvent(topic, "6", "a")] });
      expect([...first, ...second, ...third].map(({ sequence, isDuplicate }) => [sequence, isDuplicate])).toEqual([
        [1, false],
        [1, true],
        [2, false],
        [2, true],
        [3, false],
        [1, true],
      ]);
      expect(texts(readAll(log, topic))).toEqual(["1", "3", "5"]);
    });

    it("takes an id of its own for the event that has it, and refuses one that it has yet to give", async () => {
      const topic = freshTopic();
      const [made] = await log.write({ namespace, events: [newEvent(topic, "1")] });
      const id = made?.id ?? "";
      const again = await log.write({ namespace, events: [newEvent(topic, "again", id)] });
      expect(again).toEqual([{ id, sequence: 1, isDuplicate: true }]);
      const next = `${id.slice(0, -1)}2`;
      const error = await expectError(
        log.write({ namespace, events: [newEvent(topic, "x"), newEvent(topic, "y", next)] }),
        "invalid_argument",
      );
      expect(error.detail).toContain(next);
      expect(texts(readAll(log, topic))).toEqual(["1"]);
      const elsewhere = await log.write({ namespace, events: [newEvent(freshTopic(), "1", id)] });
      expect(elsewhere).toEqual([{ id, sequence: 1, isDuplicate: false }]);
    });

    it("refuses one write and does the others of the same commit", async () => {
      const topic = freshTopic();
      const [before, bad, big, broken, after] = await Promise.allSettled([
        log.write({ namespace, events: [newEvent(topic, "before")] }),
        log.write({ namespace, events: [newEvent(topic, "x"), newEvent("not a topic", "x")] }),
        log.write({ namespace, events: [{ topic, payload: new Uint8Array(limits.eventBytesMax + 1) }] }),
        log.write({ namespace, events: [newEvent(topic, "x", "\ud800")] }),
        log.write({ namespace, events: [newEvent(topic, "after")] }),
      ]);
      expect([before?.status, after?.status]).toEqual(["fulfilled", "fulfilled"]);
      expect(bad).toMatchObject({ reason: { code: "invalid_argument" } });
      expect(broken).toMatchObject({ reason: { code: "invalid_argument" } });
      expect(big).toMatchObject({ reason: { code: "payload_too_large" } });
      expect(texts(readAll(log, topic))).toEqual(["before", "after"]);
    });

    it("keeps topics of namespaces apart", async () => {
      const topic = freshTopic();
      await log.write({ namespace: "one", events: [newEvent(topic, "1")] });
      await log.write({ namespace: "two", events: [newEvent(topic, "2")] });
      const read = (each: string) =>
        log.read({ namespace: each, topic }, { sequence: 1, countMax: 10, bytesMax: 1_000 });
      expect([texts(read("one")), texts(read("two")), texts(read("three"))]).toEqual([["1"], ["2"], []]);
      expect(log.topics("one").map((each) => each.name)).toEqual([topic]);
    });

    it("tells its listeners which topic grew how far", async () => {
      const topic = freshTopic();
      const told: [string, number][] = [];
      const end = log.onAppend((key, lastSequence) => told.push([key.topic, lastSequence]));
      await log.write({ namespace, events: [newEvent(topic, "1", "a"), newEvent(topic, "2")] });
      await log.write({ namespace, events: [newEvent(topic, "1", "a")] });
      end();
      await log.write({ namespace, events: [newEvent(topic, "3")] });
      expect(told).toEqual([[topic, 2]]);
    });

    it("writes places and removes events in the same commit", async () => {
      const topic = freshTopic();
      const group = { ...keyOf(topic), group: "g" };
      await fill(topic, 10);
      expect(log.place(group)).toBeUndefined();
      await log.write({
        namespace,
        events: [newEvent(topic, "11")],
        places: [{ ...group, place: { floor: 4, done: [6, 8] } }],
        trims: [{ ...keyOf(topic), upTo: 3 }],
      });
      expect(log.place(group)).toEqual({ floor: 4, done: [6, 8] });
      expect(log.groups(keyOf(topic))).toEqual([{ ...group, place: { floor: 4, done: [6, 8] } }]);
      expect(texts(readAll(log, topic))).toEqual(["4", "5", "6", "7", "8", "9", "10", "11"]);
      await log.deleteGroup(group);
      expect(log.place(group)).toBeUndefined();
    });
  });

  describe("read()", () => {
    it("stops at the count and at the bytes, and gives at least one event", async () => {
      const topic = freshTopic();
      for (let batch = 0; batch < 3; batch += 1) await fill(topic, 4);
      const read = (from: { sequence: number; countMax: number; bytesMax: number }) =>
        log.read(keyOf(topic), from).map((each) => each.sequence);
      expect(read({ sequence: 3, countMax: 4, bytesMax: 1_000 })).toEqual([3, 4, 5, 6]);
      expect(read({ sequence: 0, countMax: 2, bytesMax: 1_000 })).toEqual([1, 2]);
      expect(read({ sequence: 4, countMax: 100, bytesMax: 3 })).toEqual([4, 5, 6]);
      expect(read({ sequence: 4, countMax: 100, bytesMax: 0 })).toEqual([4]);
      expect(read({ sequence: 12, countMax: 100, bytesMax: 100 })).toEqual([12]);
      expect(read({ sequence: 13, countMax: 100, bytesMax: 100 })).toEqual([]);
    });

    it("finds single events by their places", async () => {
      const topic = freshTopic();
      for (let batch = 0; batch < 3; batch += 1) await fill(topic, 4);
      await log.write({ namespace, events: [], trims: [{ ...keyOf(topic), upTo: 2 }] });
      const found = log.readAt(keyOf(topic), [1, 3, 4, 5, 9, 12, 13]);
      expect(found.map((each) => each.sequence)).toEqual([3, 4, 5, 9, 12]);
    });
  });

  describe("sequenceAt()", () => {
    it("finds the first event that arrived then or later, also when the clock stepped back", async () => {
      const topic = freshTopic();
      const start = clock.nowMs;
      for (const step of [0, 10, 20, -500, 30]) {
        clock.nowMs = start + step;
        await fill(topic, 3);
      }
      const at = (step: number) => log.sequenceAt(keyOf(topic), start + step);
      expect([at(-1_000), at(0), at(1), at(10), at(20), at(21), at(30), at(31)]).toEqual([1, 1, 4, 4, 7, 13, 13, 16]);
      expect(log.sequenceAt(keyOf("nothing"), 0)).toBe(1);
    });
  });

  describe("setRetention()", () => {
    const keptBy = async (topic: string, first: number): Promise<void> => {
      await waitUntil("the topic begins where it should", () => log.topic(keyOf(topic))?.firstSequence === first);
    };

    it("keeps the newest events by count, exactly", async () => {
      const topic = freshTopic();
      await log.setRetention(keyOf(topic), { count: 7 });
      for (let batch = 0; batch < 5; batch += 1) await fill(topic, 5);
      await keptBy(topic, 19);
      expect(log.topic(keyOf(topic))).toMatchObject({ lastSequence: 25, count: 7, bytes: 7, retention: { count: 7 } });
      expect(texts(readAll(log, topic))).toEqual(["4", "5", "1", "2", "3", "4", "5"]);
    });

    it("keeps as many bytes as are allowed", async () => {
      const topic = freshTopic();
      for (let batch = 0; batch < 5; batch += 1) await fill(topic, 9);
      await log.setRetention(keyOf(topic), { bytes: 20 });
      await keptBy(topic, 26);
      expect(log.topic(keyOf(topic))).toMatchObject({ lastSequence: 45, count: 20, bytes: 20 });
    });

    it("keeps what arrived within the age, and never gives a place twice", async () => {
      const topic = freshTopic();
      await fill(topic, 5);
      clock.nowMs += 60_000;
      await fill(topic, 5);
      await log.setRetention(keyOf(topic), { ageMs: 30_000 });
      await keptBy(topic, 6);
      clock.nowMs += 60_000;
      await keptBy(topic, 0);
      expect(log.topic(keyOf(topic))).toMatchObject({ firstSequence: 0, lastSequence: 10, count: 0, bytes: 0 });
      await fill(topic, 1);
      expect(readAll(log, topic).map((each) => each.sequence)).toEqual([11]);
    });

    it("forgets the ids of events that are gone", async () => {
      const topic = freshTopic();
      await log.write({ namespace, events: [newEvent(topic, "1", "a"), newEvent(topic, "2", "b")] });
      await log.write({ namespace, events: [], trims: [{ ...keyOf(topic), upTo: 1 }] });
      const published = await log.write({ namespace, events: [newEvent(topic, "3", "a"), newEvent(topic, "4", "b")] });
      expect(published.map((each) => [each.sequence, each.isDuplicate])).toEqual([
        [3, false],
        [2, true],
      ]);
    });
  });

  describe("deleteTopic()", () => {
    it("removes events, ids and groups, and lets the topic begin anew", async () => {
      const topic = freshTopic();
      const events = Array.from({ length: 5_000 }, (_, index) => newEvent(topic, "x", `id-${index}`));
      const place = { ...keyOf(topic), group: "g", place: { floor: 5, done: [] } };
      const [first] = await log.write({ namespace, events, places: [place] });
      await log.deleteTopic(keyOf(topic));
      expect(log.topic(keyOf(topic))).toBeUndefined();
      expect(log.groups(keyOf(topic))).toEqual([]);
      expect(readAll(log, topic)).toEqual([]);
      const [again] = await log.write({ namespace, events: [newEvent(topic, "new", "id-0")] });
      expect(again).toEqual({ id: "id-0", sequence: 1, isDuplicate: false });
      expect(first?.sequence).toBe(1);
      const file = new Database(`${temp.path}/events.db`, { readonly: true });
      await waitUntil("nothing of the old topic is on disk", () => {
        const left = file
          .query<{ count: number }, []>("SELECT count(*) AS count FROM event_id WHERE id >= 'id-'")
          .get();
        const old = file.query<{ count: number }, []>("SELECT count(*) AS count FROM topic WHERE name IS NULL").get();
        return left?.count === 1 && old?.count === 0;
      });
      file.close();
    });
  });

  describe("open()", () => {
    it("finds everything as it was", async () => {
      const topic = freshTopic();
      await log.setRetention(keyOf(topic), { count: 3 });
      await fill(topic, 10);
      await waitUntil("the topic was cut", () => log.topic(keyOf(topic))?.firstSequence === 8);
      await log.setRetention(keyOf(topic), {});
      const [state, events] = [log.topic(keyOf(topic)), readAll(log, topic)];
      await log.close();
      log = await SqliteEventLog.open({ folder: temp.path, clock });
      expect(log.topic(keyOf(topic))).toEqual(state);
      expect(readAll(log, topic)).toEqual(events);
      const [next] = await log.write({ namespace, events: [newEvent(topic, "next")] });
      expect(next?.sequence).toBe(11);
      expect(next?.id.split("-")[0]).toBe(events[0]?.id.split("-")[0]);
    });
  });

  it("answers like the log in memory, whatever is done", async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        round += 1;
        const memory = new MemoryEventLog({ clock });
        const space = `round-${round}`;
        for (const each of steps) {
          expect(await apply(log, space, each)).toEqual(await apply(memory, space, each));
          for (const topic of ["a", "b"]) {
            const facts = (one: EventLog) => ({
              state: { ...one.topic({ namespace: space, topic }), bytes: 0 },
              events: one
                .read({ namespace: space, topic }, { sequence: 1, countMax: 1_000, bytesMax: 1e9 })
                .map(({ sequence, payload }) => [sequence, payload.length, payload[0] ?? 0]),
            });
            expect(facts(log)).toEqual(facts(memory));
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});
