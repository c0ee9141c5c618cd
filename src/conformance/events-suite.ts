import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { defineAnswerSuite } from "./events-answer-suite.ts";
import { defineBatchSuite } from "./events-batch-suite.ts";
import { defineConsumeSuite } from "./events-consume-suite.ts";
import { defineInputSuite } from "./events-input-suite.ts";
import {
  EventsScene,
  eventually,
  namespace,
  nextMoment,
  toEvent,
  toText,
  type EventsUnderTest,
} from "./events-scene.ts";
import { expectError } from "./expect-error.ts";

export type { EventsUnderTest } from "./events-scene.ts";

/**
 * What events promise, whichever log keeps them and whether they are reached in process or over RPC. `open` gives events
 * without topics that follow the wall clock.
 */
export function defineEventsSuite(name: string, open: () => Promise<EventsUnderTest>): void {
  describe(name, () => {
    const scene = new EventsScene(open);
    beforeAll(() => scene.open());
    afterAll(() => scene.close());
    defineHistorySuite(scene);
    defineBatchSuite(scene);
    defineConsumeSuite(scene);
    defineAnswerSuite(scene);
    defineInputSuite(scene);
  });
}

/** What is kept, and what can be known of it. */
function defineHistorySuite(scene: EventsScene): void {
  const { freshTopic, publish, readAll, joinEarliest, untilGroup } = scene;

  describe("publish()", () => {
    it("counts places from 1 on, each topic for itself", async () => {
      const [one, other] = [freshTopic(), freshTopic()];
      const first = await publish(one, "a", "b");
      const second = await scene.events.publish(namespace, [toEvent(one, "c"), toEvent(other, "d")]);
      expect([...first, ...second].map((each) => each.sequence)).toEqual([1, 2, 3, 1]);
      expect(new Set([...first, ...second].map((each) => each.id)).size).toBe(4);
    });

    it("keeps payload, metadata, id and time", async () => {
      const topic = freshTopic();
      const payload = new Uint8Array([0, 255, 10]);
      const metadata = { colour: "blue", note: "ä" };
      await scene.events.publish(namespace, [{ topic, id: "mine", payload, metadata, timestampMs: 1_234_567 }]);
      const event = { namespace, topic, id: "mine", sequence: 1, payload, metadata, timestampMs: 1_234_567 };
      expect(await readAll(topic)).toEqual([event]);
      expect(await joinEarliest(topic, "g").next()).toEqual({ ...event, attempt: 1 });
    });

    it("does not append an event with a known id again", async () => {
      const topic = freshTopic();
      const event = { ...toEvent(topic, "a"), id: "once" };
      await scene.events.publish(namespace, [event]);
      await publish(topic, "b");
      expect(await scene.events.publish(namespace, [event])).toEqual([{ id: "once", sequence: 1, isDuplicate: true }]);
      expect((await readAll(topic)).map(toText)).toEqual(["a", "b"]);
    });

    it("appends nothing of a batch with a bad event", async () => {
      const topic = freshTopic();
      await expectError(scene.events.publish(namespace, [toEvent(topic, "a"), toEvent("", "b")]), "invalid_argument");
      expect(await readAll(topic)).toEqual([]);
    });

    it("keeps namespaces apart", async () => {
      const topic = freshTopic();
      await publish(topic, "a");
      expect(await scene.events.read({ namespace: "elsewhere", topic })).toEqual([]);
      expect((await scene.events.topics("elsewhere")).map((each) => each.name)).not.toContain(topic);
    });

    it("gives every event of many publishers a place of its own", async () => {
      const topic = freshTopic();
      const published = await Promise.all(Array.from({ length: 50 }, (_, index) => publish(topic, String(index))));
      const sequences = published.map(([each]) => each?.sequence ?? 0).toSorted((a, b) => a - b);
      expect(sequences).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    });
  });

  describe("read()", () => {
    it("gives a part of the history, oldest first", async () => {
      const topic = freshTopic();
      await publish(topic, "a", "b", "c", "d");
      const read = async (query: object) =>
        (await scene.events.read({ namespace, topic, ...query })).map(toText).join("");
      expect(await read({})).toBe("abcd");
      expect(await read({ limit: 2 })).toBe("ab");
      expect(await read({ offset: 1, limit: 2 })).toBe("bc");
      expect(await read({ start: { kind: "sequence", sequence: 3 } })).toBe("cd");
      expect(await read({ start: { kind: "sequence", sequence: 2 }, offset: 2 })).toBe("d");
      expect(await read({ start: { kind: "sequence", sequence: 5 } })).toBe("");
      expect(await read({ start: { kind: "latest" } })).toBe("");
      expect(await read({ offset: 4 })).toBe("");
    });

    it("begins at a time", async () => {
      const topic = freshTopic();
      await publish(topic, "a");
      const timestampMs = await nextMoment();
      await publish(topic, "b");
      const found = await scene.events.read({ namespace, topic, start: { kind: "time", timestampMs } });
      expect(found.map(toText)).toEqual(["b"]);
    });

    it("gives nothing for a topic that is not there", async () => {
      expect(await readAll(freshTopic())).toEqual([]);
    });
  });

  describe("groups() and topics()", () => {
    it("tell what there is", async () => {
      const topic = freshTopic();
      await publish(topic, "a", "b", "c");
      const reader = joinEarliest(topic, "g", { pendingCountMax: 2 });
      reader.acknowledge(...(await reader.take(2)).slice(0, 1));
      await reader.next();
      await untilGroup(topic, "g", ({ sequence, pending }) => sequence === 1 && pending === 2);
      const state = { name: "g", topic, sequence: 1, lag: 2, pending: 2, consumers: 1, dead: 0 };
      expect(await scene.events.groups(namespace, topic)).toEqual([state]);
      expect(await scene.events.groups(namespace)).toContainEqual(state);
      await scene.events.setRetention({ namespace, topic }, { count: 10, bytes: 1_000_000, ageMs: 3_600_000 });
      expect((await scene.events.topics(namespace)).find((each) => each.name === topic)).toMatchObject({
        firstSequence: 1,
        lastSequence: 3,
        count: 3,
        retention: { count: 10, bytes: 1_000_000, ageMs: 3_600_000 },
      });
    });

    it("know groups that have left", async () => {
      const topic = freshTopic();
      await publish(topic, "a");
      const reader = joinEarliest(topic, "g");
      reader.acknowledge(await reader.next());
      await reader.leave();
      const state = { name: "g", topic, sequence: 1, lag: 0, pending: 0, consumers: 0, dead: 0 };
      await eventually("the group to leave", async () =>
        Bun.deepEquals(await scene.events.groups(namespace, topic), [state]),
      );
    });
  });

  describe("deleteGroup()", () => {
    it("lets the group begin anew", async () => {
      const topic = freshTopic();
      const key = { namespace, topic, group: "g" };
      await publish(topic, "a");
      const reader = joinEarliest(topic, "g");
      reader.acknowledge(await reader.next());
      await expectError(scene.events.deleteGroup(key), "conflict");
      await reader.leave();
      await untilGroup(topic, "g", ({ consumers }) => consumers === 0);
      await scene.events.deleteGroup(key);
      expect(await scene.events.groups(namespace, topic)).toEqual([]);
      expect(toText(await joinEarliest(topic, "g").next())).toBe("a");
    });

    it("is no error for a group that is not there", async () => {
      await scene.events.deleteGroup({ namespace, topic: freshTopic(), group: "g" });
      await scene.events.deleteTopic({ namespace, topic: freshTopic() });
    });
  });
}
