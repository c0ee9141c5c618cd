import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import { deadLetterTopic } from "#interface/events.ts";
import { namespace, neverMs, toEvent, toText, type EventsScene } from "./events-scene.ts";
import { expectError } from "./expect-error.ts";

/** What becomes of events that a consumer answers for, or does not. */
export function defineAnswerSuite(scene: EventsScene): void {
  const { freshTopic, publish, readAll, join, joinEarliest, groupOf, untilGroup } = scene;

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
      const [published] = await scene.events.publish(namespace, [
        { ...toEvent(topic, "a"), metadata: { colour: "blue" } },
      ]);
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
      // Its own time may be over before that of the other, which was made longer after it came again.
      await scene.events.acknowledge({ namespace, topic, group: "g" }, [b.id]);
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
      await scene.events.acknowledge(key, [a?.id ?? ""]);
      expect(await groupOf(topic, "g")).toMatchObject({ sequence: 1, pending: 1 });
      await scene.events.refuse(key, b?.id ?? "");
      expect(await reader.next()).toMatchObject({ id: b?.id ?? "", attempt: 2 });
    });

    it("refuse what is not under way", async () => {
      const topic = freshTopic();
      await publish(topic, "a");
      const key = { namespace, topic, group: "g" };
      await expectError(scene.events.acknowledge(key, ["x"]), "not_found");
      const reader = joinEarliest(topic, "g");
      const { id } = await reader.next();
      await expectError(scene.events.acknowledge(key, ["x"]), "not_found");
      await expectError(scene.events.refuse(key, "x"), "not_found");
      await scene.events.acknowledge(key, [id]);
      await expectError(scene.events.acknowledge(key, [id]), "not_found");
    });
  });

  describe("redrive()", () => {
    it("gives dead letters to their group alone, oldest first", async () => {
      const topic = freshTopic();
      const key = { namespace, topic, group: "g" };
      const other = joinEarliest(topic, "other");
      const reader = joinEarliest(topic, "g", { retryCountMax: 0 });
      await scene.events.publish(namespace, [{ ...toEvent(topic, "a"), metadata: { colour: "blue" } }]);
      await publish(topic, "b", "c");
      for (const event of await reader.take(3)) reader.refuse(event);
      await other.takeAndAcknowledge(3);
      await untilGroup(topic, "g", ({ dead }) => dead === 3);
      expect(await scene.events.redrive(key, 2)).toBe(2);
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
      expect(await scene.events.redrive(key)).toBe(1);
      expect(await scene.events.redrive(key)).toBe(0);
      const rest = await reader.take(2);
      expect(rest.map(toText)).toEqual(["d", "c"]);
      reader.acknowledge(...again, ...rest);
      await untilGroup(topic, "g", ({ lag, dead }) => lag === 0 && dead === 0);
    });

    it("refuses a group that is not there", async () => {
      await expectError(scene.events.redrive({ namespace, topic: freshTopic(), group: "g" }), "not_found");
    });
  });
}
