import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import type { ConsumeOptions, NewEvent, TopicKey } from "#interface/events.ts";
import { firstOf, namespace, type EventsScene } from "./events-scene.ts";
import { expectError } from "./expect-error.ts";

/** What is refused. */
export function defineInputSuite(scene: EventsScene): void {
  const { freshTopic, readAll, joinEarliest, untilGroup } = scene;

  describe("bad input", () => {
    const payload = new Uint8Array(0);

    it.each(["", "../x", "/a", "a b", "a\n", "ä", "a".repeat(limits.topicLengthMax + 1)])(
      "refuses %j as name of a topic",
      async (topic) => {
        const key = { namespace, topic };
        await expectError(scene.events.publish(namespace, [{ topic, payload }]), "invalid_argument");
        await expectError(scene.events.read(key), "invalid_argument");
        await expectError(
          firstOf(() => scene.events.consume(key)),
          "invalid_argument",
        );
        await expectError(scene.events.setRetention(key, {}), "invalid_argument");
        await expectError(scene.events.deleteTopic(key), "invalid_argument");
        await expectError(scene.events.deleteGroup({ ...key, group: "g" }), "invalid_argument");
        await expectError(scene.events.redrive({ ...key, group: "g" }), "invalid_argument");
        await expectError(scene.events.acknowledge({ ...key, group: "g" }, ["x"]), "invalid_argument");
      },
    );

    it.each(["../x", "a/b", "a b", "a".repeat(limits.nameLengthMax + 1)])(
      "refuses %j as name of a group",
      async (group) => {
        const key = { namespace, topic: "orders", group };
        await expectError(
          firstOf(() => scene.events.consume(key)),
          "invalid_argument",
        );
        await expectError(scene.events.deleteGroup(key), "invalid_argument");
        await expectError(scene.events.redrive(key), "invalid_argument");
        await expectError(scene.events.acknowledge(key, ["x"]), "invalid_argument");
        await expectError(scene.events.refuse(key, "x"), "invalid_argument");
      },
    );

    it("refuses names that leave no room for those of their dead letters", async () => {
      const key: TopicKey = { namespace, topic: "t".repeat(limits.topicLengthMax - 10) };
      await expectError(
        firstOf(() => scene.events.consume({ ...key, group: "g".repeat(10) })),
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
          firstOf(() => scene.events.consume({ ...key, ...options })),
          "invalid_argument",
        );
      await expectError(scene.events.publish(namespace, [{ ...key, payload, timestampMs: -1 }]), "invalid_argument");
    });

    it("refuses what is too large", async () => {
      const topic = freshTopic();
      const refused: NewEvent[] = [
        { topic, payload: new Uint8Array(limits.eventBytesMax + 1) },
        { topic, payload, metadata: { a: "x".repeat(limits.eventMetadataBytesMax) } },
      ];
      for (const each of refused) await expectError(scene.events.publish(namespace, [each]), "payload_too_large");
      const many = Array.from({ length: limits.eventBatchCountMax + 1 }, () => ({ topic, payload }));
      await expectError(scene.events.publish(namespace, many), "payload_too_large");
      const id = "x".repeat(limits.eventIdLengthMax + 1);
      await expectError(scene.events.publish(namespace, [{ topic, payload, id }]), "invalid_argument");
      expect(await readAll(topic)).toEqual([]);
    });

    it("refuses an empty batch, and the mark of the server's own events", async () => {
      await expectError(scene.events.publish(namespace, []), "invalid_argument");
      const metadata = { "micro-redrive-group": "g" };
      await expectError(scene.events.publish(namespace, [{ topic: "orders", payload, metadata }]), "invalid_argument");
    });

    it("takes the largest event, and makes a dead letter of it", async () => {
      const topic = freshTopic();
      const metadata = { a: "x".repeat(limits.eventMetadataBytesMax - 8) };
      await scene.events.publish(namespace, [{ topic, payload: new Uint8Array(limits.eventBytesMax), metadata }]);
      const reader = joinEarliest(topic, "g", { retryCountMax: 0 });
      reader.refuse(await reader.next());
      await untilGroup(topic, "g", ({ dead }) => dead === 1);
    });
  });
}
