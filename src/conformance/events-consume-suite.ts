import { describe, expect, it } from "bun:test";
import { eventually, namespace, nextMoment, toText, type EventsScene } from "./events-scene.ts";
import { expectError } from "./expect-error.ts";

/** How a group gets its events. */
export function defineConsumeSuite(scene: EventsScene): void {
  const { freshTopic, publish, readAll, join, joinEarliest, groupOf, untilGroup } = scene;

  describe("consume()", () => {
    it("sends a new group what is published from now on, at once and in order", async () => {
      const topic = freshTopic();
      await publish(topic, "before");
      const reader = join({ topic, group: "g" });
      await untilGroup(topic, "g", ({ consumers }) => consumers === 1);
      await publish(topic, "a", "b");
      await publish(topic, "c");
      expect((await reader.take(3)).map(toText)).toEqual(["a", "b", "c"]);
    });

    it("begins with the oldest event, at a place or at a time", async () => {
      const topic = freshTopic();
      await publish(topic, "a");
      const timestampMs = await nextMoment();
      await publish(topic, "b", "c");
      expect(toText(await joinEarliest(topic, "oldest").next())).toBe("a");
      expect(toText(await join({ topic, start: { kind: "earliest" } }).next())).toBe("a");
      expect(toText(await join({ topic, group: "place", start: { kind: "sequence", sequence: 3 } }).next())).toBe("c");
      expect(toText(await join({ topic, group: "time", start: { kind: "time", timestampMs } }).next())).toBe("b");
    });

    it("sends every group and every reader of its own each event", async () => {
      const topic = freshTopic();
      const start = { kind: "earliest" } as const;
      const all = [
        joinEarliest(topic, "one"),
        joinEarliest(topic, "two"),
        join({ topic, start }),
        join({ topic, start }),
      ];
      await publish(topic, "a", "b");
      for (const reader of all) expect((await reader.take(2)).map(toText)).toEqual(["a", "b"]);
    });

    it("sends each event to one member, and shares them out evenly", async () => {
      const topic = freshTopic();
      const members = [joinEarliest(topic, "g"), joinEarliest(topic, "g"), joinEarliest(topic, "g")];
      await untilGroup(topic, "g", ({ consumers }) => consumers === 3);
      await publish(topic, ...Array.from({ length: 30 }, (_, index) => String(index)));
      const taken = await Promise.all(members.map((each) => each.takeAndAcknowledge(10)));
      expect(new Set(taken.flat().map((each) => each.sequence)).size).toBe(30);
      await untilGroup(topic, "g", ({ lag, pending }) => lag === 0 && pending === 0);
    });

    it("goes on where the group stopped, whatever start is said", async () => {
      const topic = freshTopic();
      await publish(topic, "a", "b", "c");
      const first = joinEarliest(topic, "g");
      await first.takeAndAcknowledge(2);
      await untilGroup(topic, "g", ({ sequence }) => sequence === 2);
      await first.leave();
      await untilGroup(topic, "g", ({ consumers }) => consumers === 0);
      expect(toText(await joinEarliest(topic, "g").next())).toBe("c");
    });

    it("does not send again what was acknowledged out of order", async () => {
      const topic = freshTopic();
      await publish(topic, "a", "b", "c", "d");
      const first = joinEarliest(topic, "g");
      const [a, b, c, d] = await first.take(4);
      if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error("four were sent");
      first.acknowledge(b, d);
      await untilGroup(topic, "g", ({ pending }) => pending === 2);
      expect(await groupOf(topic, "g")).toMatchObject({ sequence: 0, lag: 4, pending: 2, consumers: 1 });
      await first.leave();
      const second = joinEarliest(topic, "g");
      expect((await second.take(2)).map(toText)).toEqual(["a", "c"]);
    });

    it("moves a group without members to a place or a time", async () => {
      const topic = freshTopic();
      await publish(topic, "a", "b", "c");
      const first = joinEarliest(topic, "g");
      await first.takeAndAcknowledge(3);
      const start = { kind: "sequence", sequence: 2 } as const;
      const beside = join({ topic, group: "g", start });
      await publish(topic, "d");
      await untilGroup(topic, "g", ({ consumers }) => consumers === 2);
      expect(toText(await Promise.race([first.next(), beside.next()]))).toBe("d");
      await first.leave();
      await beside.leave();
      await untilGroup(topic, "g", ({ consumers }) => consumers === 0);
      expect(toText(await join({ topic, group: "g", start }).next())).toBe("b");
    });

    it("sends no more than the pending limit before something is acknowledged", async () => {
      const topic = freshTopic();
      await publish(topic, "a", "b", "c", "d");
      const slow = joinEarliest(topic, "g", { pendingCountMax: 2 });
      const [a] = await slow.take(2);
      const quick = joinEarliest(topic, "g");
      expect((await quick.take(2)).map(toText)).toEqual(["c", "d"]);
      expect(await groupOf(topic, "g")).toMatchObject({ pending: 4 });
      if (a !== undefined) slow.acknowledge(a);
      await untilGroup(topic, "g", ({ pending }) => pending === 3);
      await publish(topic, "e");
      expect(toText(await Promise.race([slow.next(), quick.next()]))).toBe("e");
    });

    it("sends again what nobody acknowledged in time", async () => {
      const topic = freshTopic();
      await publish(topic, "a", "b");
      const reader = joinEarliest(topic, "g", { ackWaitMs: 20 });
      const [a, b] = await reader.take(2);
      if (b !== undefined) reader.acknowledge(b);
      const again = await reader.next();
      expect(again).toEqual({ ...again, sequence: a?.sequence ?? 0, attempt: 2 });
      reader.acknowledge(again);
      await untilGroup(topic, "g", ({ sequence }) => sequence === 2);
    });

    it("gives what a member left behind to the others at once", async () => {
      const topic = freshTopic();
      await publish(topic, "a", "b");
      const leaver = joinEarliest(topic, "g");
      await leaver.take(2);
      const other = joinEarliest(topic, "g");
      await untilGroup(topic, "g", ({ consumers }) => consumers === 2);
      await leaver.leave();
      const got = await other.take(2);
      expect(got.map((each) => [toText(each), each.attempt])).toEqual([
        ["a", 2],
        ["b", 2],
      ]);
    });

    it("counts attempts on while nobody is there", async () => {
      const topic = freshTopic();
      await publish(topic, "a");
      for (const attempt of [1, 2, 3]) {
        const reader = joinEarliest(topic, "g");
        expect((await reader.next()).attempt).toBe(attempt);
        await reader.leave();
        await untilGroup(topic, "g", ({ consumers }) => consumers === 0);
      }
    });

    it("takes an event as done when it is sent, where that is asked for", async () => {
      const topic = freshTopic();
      await publish(topic, "a", "b");
      const first = joinEarliest(topic, "g", { isAutoAck: true });
      expect((await first.take(2)).map((each) => each.attempt)).toEqual([1, 1]);
      await untilGroup(topic, "g", ({ sequence, pending }) => sequence === 2 && pending === 0);
      await first.leave();
      await untilGroup(topic, "g", ({ consumers }) => consumers === 0);
      await publish(topic, "c");
      expect(toText(await joinEarliest(topic, "g").next())).toBe("c");
    });

    it("ends when its signal aborts", async () => {
      const topic = freshTopic();
      const leaving = new AbortController();
      const reader = joinEarliest(topic, "g", { signal: leaving.signal });
      await untilGroup(topic, "g", ({ consumers }) => consumers === 1);
      leaving.abort();
      expect(await reader.hasEnded()).toBe(true);
      await untilGroup(topic, "g", ({ consumers }) => consumers === 0);
    });

    it("passes by what the topic's retention removed", async () => {
      const topic = freshTopic();
      await publish(topic, "a", "b", "c");
      const first = joinEarliest(topic, "g");
      await first.takeAndAcknowledge(1);
      await first.take(2);
      await scene.events.setRetention({ namespace, topic }, { count: 1 });
      await eventually("the old ones to go", async () => (await readAll(topic)).length === 1);
      await first.leave();
      await publish(topic, "d");
      await eventually("the old ones to go", async () => (await readAll(topic)).length === 1);
      const second = joinEarliest(topic, "g");
      second.acknowledge(await second.next());
      await untilGroup(topic, "g", ({ sequence, lag }) => sequence === 4 && lag === 0);
    });

    it("tells the consumers of a topic that it was deleted", async () => {
      const topic = freshTopic();
      await publish(topic, "a");
      const reader = joinEarliest(topic, "g");
      const alone = join({ topic, start: { kind: "earliest" } });
      await Promise.all([reader.next(), alone.next()]);
      await scene.events.deleteTopic({ namespace, topic });
      await expectError(reader.next(), "not_found");
      await expectError(alone.next(), "not_found");
      expect(await readAll(topic)).toEqual([]);
      expect(await groupOf(topic, "g")).toBeUndefined();
    });
  });
}
