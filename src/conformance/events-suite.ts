import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import {
  deadLetterTopic,
  type ConsumeOptions,
  type Consumer,
  type Events,
  type GroupState,
  type NewEvent,
  type TopicKey,
} from "#interface/events.ts";
import { EventReader } from "./event-reader.ts";
import { expectError } from "./expect-error.ts";

/** Events under test, and how to get rid of them. */
export interface EventsUnderTest extends AsyncDisposable {
  /** Acts as an administrator of every namespace. */
  readonly events: Events;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const namespace = "suite";
/** Longer than any test runs. */
const neverMs = 3_600_000;

/**
 * What events promise, whichever log keeps them and whether they are reached in process or over RPC. `open` gives events
 * without topics that follow the wall clock.
 */
export function defineEventsSuite(name: string, open: () => Promise<EventsUnderTest>): void {
  describe(name, () => {
    let opened: EventsUnderTest;
    let events: Events;
    let topicCount = 0;
    const readers: EventReader[] = [];
    beforeAll(async () => {
      opened = await open();
      ({ events } = opened);
    });
    afterAll(async () => {
      for (const each of readers) await each.leave();
      await opened[Symbol.asyncDispose]();
    });

    /** A topic that no other test uses. */
    const freshTopic = (): string => {
      topicCount += 1;
      return `topic-${topicCount}`;
    };
    const publish = (topic: string, ...texts: readonly string[]) =>
      events.publish(
        namespace,
        texts.map((text) => toEvent(topic, text)),
      );
    const readAll = (topic: string) => events.read({ namespace, topic, limit: 1_000 });
    const join = (options: Omit<ConsumeOptions, "namespace">): EventReader => {
      const reader = new EventReader(events.consume({ namespace, ackWaitMs: neverMs, ...options }));
      readers.push(reader);
      return reader;
    };
    /** Joins at the oldest event. */
    const joinEarliest = (topic: string, group: string, options: Partial<ConsumeOptions> = {}): EventReader =>
      join({ topic, group, start: { kind: "earliest" }, ...options });
    const groupOf = async (topic: string, group: string): Promise<GroupState | undefined> =>
      (await events.groups(namespace, topic)).find((each) => each.name === group);
    const untilGroup = (topic: string, group: string, isSo: (state: GroupState) => boolean): Promise<unknown> =>
      eventually(`the state of group ${group}`, async () => {
        const state = await groupOf(topic, group);
        return state !== undefined && isSo(state);
      });

    describe("publish()", () => {
      it("counts places from 1 on, each topic for itself", async () => {
        const [one, other] = [freshTopic(), freshTopic()];
        const first = await publish(one, "a", "b");
        const second = await events.publish(namespace, [toEvent(one, "c"), toEvent(other, "d")]);
        expect([...first, ...second].map((each) => each.sequence)).toEqual([1, 2, 3, 1]);
        expect(new Set([...first, ...second].map((each) => each.id)).size).toBe(4);
      });

      it("keeps payload, metadata, id and time", async () => {
        const topic = freshTopic();
        const payload = new Uint8Array([0, 255, 10]);
        const metadata = { colour: "blue", note: "ä" };
        await events.publish(namespace, [{ topic, id: "mine", payload, metadata, timestampMs: 1_234_567 }]);
        const event = { namespace, topic, id: "mine", sequence: 1, payload, metadata, timestampMs: 1_234_567 };
        expect(await readAll(topic)).toEqual([event]);
        expect(await joinEarliest(topic, "g").next()).toEqual({ ...event, attempt: 1 });
      });

      it("does not append an event with a known id again", async () => {
        const topic = freshTopic();
        const event = { ...toEvent(topic, "a"), id: "once" };
        await events.publish(namespace, [event]);
        await publish(topic, "b");
        expect(await events.publish(namespace, [event])).toEqual([{ id: "once", sequence: 1, isDuplicate: true }]);
        expect((await readAll(topic)).map(toText)).toEqual(["a", "b"]);
      });

      it("appends nothing of a batch with a bad event", async () => {
        const topic = freshTopic();
        await expectError(events.publish(namespace, [toEvent(topic, "a"), toEvent("", "b")]), "invalid_argument");
        expect(await readAll(topic)).toEqual([]);
      });

      it("keeps namespaces apart", async () => {
        const topic = freshTopic();
        await publish(topic, "a");
        expect(await events.read({ namespace: "elsewhere", topic })).toEqual([]);
        expect((await events.topics("elsewhere")).map((each) => each.name)).not.toContain(topic);
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
        const read = async (query: object) => (await events.read({ namespace, topic, ...query })).map(toText).join("");
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
        const found = await events.read({ namespace, topic, start: { kind: "time", timestampMs } });
        expect(found.map(toText)).toEqual(["b"]);
      });

      it("gives nothing for a topic that is not there", async () => {
        expect(await readAll(freshTopic())).toEqual([]);
      });
    });

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
        expect(toText(await join({ topic, group: "place", start: { kind: "sequence", sequence: 3 } }).next())).toBe(
          "c",
        );
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
        await events.setRetention({ namespace, topic }, { count: 1 });
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
        await events.deleteTopic({ namespace, topic });
        await expectError(reader.next(), "not_found");
        await expectError(alone.next(), "not_found");
        expect(await readAll(topic)).toEqual([]);
        expect(await groupOf(topic, "g")).toBeUndefined();
      });
    });

    describe("refuse()", () => {
      it("sends an event again, with its attempts counted", async () => {
        const topic = freshTopic();
        await publish(topic, "a");
        const reader = joinEarliest(topic, "g", { retryCountMax: -1 });
        for (let attempt = 1; attempt <= limits.eventRetryCountMax + 3; attempt += 1) {
          const event = await reader.next();
          expect(event.attempt).toBe(attempt);
          reader.refuse(event, 1);
        }
      });

      it("lets others pass while an event waits", async () => {
        const topic = freshTopic();
        await publish(topic, "a", "b");
        const reader = joinEarliest(topic, "g", { pendingCountMax: 1 });
        reader.refuse(await reader.next(), neverMs);
        expect(toText(await reader.next())).toBe("b");
      });

      it("makes a dead letter of an event that was sent often enough", async () => {
        const topic = freshTopic();
        const [published] = await events.publish(namespace, [{ ...toEvent(topic, "a"), metadata: { colour: "blue" } }]);
        const reader = joinEarliest(topic, "g", { retryCountMax: 1 });
        for (const attempt of [1, 2]) {
          const event = await reader.next();
          expect([toText(event), event.attempt]).toEqual(["a", attempt]);
          reader.refuse(event, 1);
        }
        await publish(topic, "b");
        expect(toText(await reader.next())).toBe("b");
        await untilGroup(topic, "g", ({ dead, sequence }) => dead === 1 && sequence === 1);
        const letters = await readAll(deadLetterTopic(topic, "g"));
        expect(letters.map(toText)).toEqual(["a"]);
        expect(letters[0]?.metadata).toEqual({
          colour: "blue",
          "micro-dead-topic": topic,
          "micro-dead-group": "g",
          "micro-dead-sequence": "1",
          "micro-dead-id": published?.id ?? "",
          "micro-dead-attempts": "2",
          "micro-dead-reason": "its consumer refused it",
        });
      });

      it("makes a dead letter at once where nothing may be sent again", async () => {
        const topic = freshTopic();
        await publish(topic, "a");
        const reader = joinEarliest(topic, "g", { retryCountMax: 0 });
        reader.refuse(await reader.next());
        await untilGroup(topic, "g", ({ dead, sequence }) => dead === 1 && sequence === 1);
      });

      it("makes dead letters of what a consumer never acknowledges", async () => {
        const topic = freshTopic();
        await publish(topic, "a", "b", "c");
        const reader = joinEarliest(topic, "g", { retryCountMax: 1, ackWaitMs: 10 });
        await reader.take(6);
        await untilGroup(topic, "g", ({ dead, sequence }) => dead === 3 && sequence === 3);
      });
    });

    describe("giveBack() and extend()", () => {
      it("let an event go to somebody else as if it had not been sent", async () => {
        const topic = freshTopic();
        await publish(topic, "a");
        const first = joinEarliest(topic, "g", { pendingCountMax: 1 });
        const given = await first.next();
        const other = joinEarliest(topic, "g");
        await untilGroup(topic, "g", ({ consumers }) => consumers === 2);
        first.giveBack(given);
        expect(await Promise.race([first.next(), other.next()])).toEqual(given);
      });

      it("keep an event at a consumer for longer than its time", async () => {
        const topic = freshTopic();
        await publish(topic, "a", "b");
        const reader = joinEarliest(topic, "g", { ackWaitMs: 200, pendingCountMax: 2 });
        const [a, b] = await reader.take(2);
        if (a === undefined || b === undefined) throw new Error("two were sent");
        const isWaiting = setInterval(() => reader.extend(a), 10);
        expect(await reader.next()).toMatchObject({ sequence: b.sequence, attempt: 2 });
        clearInterval(isWaiting);
        expect(await reader.next()).toMatchObject({ sequence: a.sequence, attempt: 2 });
      });
    });

    describe("acknowledge() and refuse() by id", () => {
      it("do without a consumer at hand", async () => {
        const topic = freshTopic();
        const key = { namespace, topic, group: "g" };
        await publish(topic, "a", "b");
        const reader = joinEarliest(topic, "g");
        const [a, b] = await reader.take(2);
        await events.acknowledge(key, [a?.id ?? ""]);
        expect(await groupOf(topic, "g")).toMatchObject({ sequence: 1, pending: 1 });
        await events.refuse(key, b?.id ?? "");
        expect(await reader.next()).toMatchObject({ id: b?.id ?? "", attempt: 2 });
      });

      it("refuse what is not under way", async () => {
        const topic = freshTopic();
        await publish(topic, "a");
        const key = { namespace, topic, group: "g" };
        await expectError(events.acknowledge(key, ["x"]), "not_found");
        const reader = joinEarliest(topic, "g");
        const { id } = await reader.next();
        await expectError(events.acknowledge(key, ["x"]), "not_found");
        await expectError(events.refuse(key, "x"), "not_found");
        await events.acknowledge(key, [id]);
        await expectError(events.acknowledge(key, [id]), "not_found");
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
        expect(await events.groups(namespace, topic)).toEqual([state]);
        expect(await events.groups(namespace)).toContainEqual(state);
        await events.setRetention({ namespace, topic }, { count: 10, bytes: 1_000_000, ageMs: 3_600_000 });
        expect((await events.topics(namespace)).find((each) => each.name === topic)).toMatchObject({
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
          Bun.deepEquals(await events.groups(namespace, topic), [state]),
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
        await expectError(events.deleteGroup(key), "conflict");
        await reader.leave();
        await untilGroup(topic, "g", ({ consumers }) => consumers === 0);
        await events.deleteGroup(key);
        expect(await events.groups(namespace, topic)).toEqual([]);
        expect(toText(await joinEarliest(topic, "g").next())).toBe("a");
      });

      it("is no error for a group that is not there", async () => {
        await events.deleteGroup({ namespace, topic: freshTopic(), group: "g" });
        await events.deleteTopic({ namespace, topic: freshTopic() });
      });
    });

    describe("redrive()", () => {
      it("gives dead letters to their group alone, oldest first", async () => {
        const topic = freshTopic();
        const key = { namespace, topic, group: "g" };
        const other = joinEarliest(topic, "other");
        const reader = joinEarliest(topic, "g", { retryCountMax: 0 });
        await events.publish(namespace, [{ ...toEvent(topic, "a"), metadata: { colour: "blue" } }]);
        await publish(topic, "b", "c");
        for (const event of await reader.take(3)) reader.refuse(event);
        await other.takeAndAcknowledge(3);
        await untilGroup(topic, "g", ({ dead }) => dead === 3);
        expect(await events.redrive(key, 2)).toBe(2);
        const again = await reader.take(2);
        expect(again.map((each) => [toText(each), each.metadata, each.attempt])).toEqual([
          ["a", { colour: "blue" }, 1],
          ["b", {}, 1],
        ]);
        expect((await readAll(deadLetterTopic(topic, "g"))).map(toText)).toEqual(["c"]);
        const alone = join({ topic, start: { kind: "sequence", sequence: 4 } });
        await publish(topic, "d");
        expect(toText(await alone.next())).toBe("d");
        expect(toText(await other.next())).toBe("d");
        expect(await events.redrive(key)).toBe(1);
        expect(await events.redrive(key)).toBe(0);
        const rest = await reader.take(2);
        expect(rest.map(toText)).toEqual(["d", "c"]);
        reader.acknowledge(...again, ...rest);
        await untilGroup(topic, "g", ({ lag, dead }) => lag === 0 && dead === 0);
      });

      it("refuses a group that is not there", async () => {
        await expectError(events.redrive({ namespace, topic: freshTopic(), group: "g" }), "not_found");
      });
    });

    describe("bad input", () => {
      const payload = new Uint8Array(0);

      it.each(["", "../x", "/a", "a b", "a\n", "ä", "a".repeat(limits.topicLengthMax + 1)])(
        "refuses %j as name of a topic",
        async (topic) => {
          const key = { namespace, topic };
          await expectError(events.publish(namespace, [{ topic, payload }]), "invalid_argument");
          await expectError(events.read(key), "invalid_argument");
          await expectError(
            firstOf(() => events.consume(key)),
            "invalid_argument",
          );
          await expectError(events.setRetention(key, {}), "invalid_argument");
          await expectError(events.deleteTopic(key), "invalid_argument");
          await expectError(events.deleteGroup({ ...key, group: "g" }), "invalid_argument");
          await expectError(events.redrive({ ...key, group: "g" }), "invalid_argument");
          await expectError(events.acknowledge({ ...key, group: "g" }, ["x"]), "invalid_argument");
        },
      );

      it.each(["../x", "a/b", "a b", "a".repeat(limits.nameLengthMax + 1)])(
        "refuses %j as name of a group",
        async (group) => {
          const key = { namespace, topic: "orders", group };
          await expectError(
            firstOf(() => events.consume(key)),
            "invalid_argument",
          );
          await expectError(events.deleteGroup(key), "invalid_argument");
          await expectError(events.redrive(key), "invalid_argument");
          await expectError(events.acknowledge(key, ["x"]), "invalid_argument");
          await expectError(events.refuse(key, "x"), "invalid_argument");
        },
      );

      it("refuses names that leave no room for those of their dead letters", async () => {
        const key: TopicKey = { namespace, topic: "t".repeat(limits.topicLengthMax - 10) };
        await expectError(
          firstOf(() => events.consume({ ...key, group: "g".repeat(10) })),
          "invalid_argument",
        );
      });

      it("refuses numbers that are none", async () => {
        const key = { namespace, topic: "orders" };
        const bad: Partial<ConsumeOptions>[] = [
          { ackWaitMs: -1 },
          { ackWaitMs: 0 },
          { retryCountMax: -2 },
          { pendingCountMax: limits.eventUnfinishedCountMax + 1 },
          { start: { kind: "sequence", sequence: 2 ** 60 } },
          { start: { kind: "time", timestampMs: -1 } },
        ];
        for (const options of bad)
          await expectError(
            firstOf(() => events.consume({ ...key, ...options })),
            "invalid_argument",
          );
        await expectError(events.publish(namespace, [{ ...key, payload, timestampMs: -1 }]), "invalid_argument");
      });

      it("refuses what is too large", async () => {
        const topic = freshTopic();
        const refused: NewEvent[] = [
          { topic, payload: new Uint8Array(limits.eventBytesMax + 1) },
          { topic, payload, metadata: { a: "x".repeat(limits.eventMetadataBytesMax) } },
        ];
        for (const each of refused) await expectError(events.publish(namespace, [each]), "payload_too_large");
        const many = Array.from({ length: limits.eventBatchCountMax + 1 }, () => ({ topic, payload }));
        await expectError(events.publish(namespace, many), "payload_too_large");
        const id = "x".repeat(limits.eventIdLengthMax + 1);
        await expectError(events.publish(namespace, [{ topic, payload, id }]), "invalid_argument");
        expect(await readAll(topic)).toEqual([]);
      });

      it("refuses an empty batch, and the mark of the server's own events", async () => {
        await expectError(events.publish(namespace, []), "invalid_argument");
        const metadata = { "micro-redrive-group": "g" };
        await expectError(events.publish(namespace, [{ topic: "orders", payload, metadata }]), "invalid_argument");
      });

      it("takes the largest event, and makes a dead letter of it", async () => {
        const topic = freshTopic();
        const metadata = { a: "x".repeat(limits.eventMetadataBytesMax - 8) };
        await events.publish(namespace, [{ topic, payload: new Uint8Array(limits.eventBytesMax), metadata }]);
        const reader = joinEarliest(topic, "g", { retryCountMax: 0 });
        reader.refuse(await reader.next());
        await untilGroup(topic, "g", ({ dead }) => dead === 1);
      });
    });
  });
}

function toEvent(topic: string, text: string): NewEvent {
  return { topic, payload: encoder.encode(text) };
}

function toText({ payload }: { readonly payload: Uint8Array }): string {
  return decoder.decode(payload);
}

/** Reads once; some consumers refuse when they are made, others when they are read. */
async function firstOf(consume: () => Consumer): Promise<unknown> {
  return new EventReader(consume()).next();
}

/** A time after everything that was published, and not after what is published from now on. */
async function nextMoment(): Promise<number> {
  const nowMs = Date.now();
  await eventually("the clock to move", () => Date.now() > nowMs);
  return Date.now();
}

/** Waits for what the other side does in its own time. */
async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 20_000;
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error(`waited 20 s in vain for ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
}
