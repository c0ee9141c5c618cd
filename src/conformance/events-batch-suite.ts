import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import type { PublishedRun } from "#interface/events.ts";
import { namespace, toEvent, toText, type EventsScene } from "./events-scene.ts";
import { expectError } from "./expect-error.ts";

/** Batches of a publisher that has a name. */
export function defineBatchSuite(scene: EventsScene): void {
  const { freshTopic, readAll } = scene;
  const publishBatch = (
    { publisher, number, topic }: { publisher: string; number: number; topic: string },
    ...texts: readonly string[]
  ): Promise<readonly PublishedRun[]> =>
    scene.events.publishBatch(
      namespace,
      { publisher, number },
      texts.map((text) => toEvent(topic, text)),
    );

  describe("publishBatch()", () => {
    it("says where the events went, in runs", async () => {
      const [one, other] = [freshTopic(), freshTopic()];
      const events = [
        ...["a", "b"].map((text) => toEvent(one, text)),
        toEvent(other, "c"),
        { ...toEvent(other, "d"), id: "mine" },
        { ...toEvent(other, "d"), id: "mine" },
      ];
      const runs = await scene.events.publishBatch(namespace, { publisher: one, number: 1 }, events);
      const [first, second] = [(await readAll(one))[0], (await readAll(other))[0]];
      expect(runs).toEqual([
        { idPrefix: first?.id.slice(0, -2) ?? "", firstSequence: 1, count: 2, isDuplicate: false },
        { idPrefix: second?.id.slice(0, -2) ?? "", firstSequence: 1, count: 1, isDuplicate: false },
        { idPrefix: "", firstSequence: 2, count: 1, isDuplicate: false },
        { idPrefix: "", firstSequence: 2, count: 1, isDuplicate: true },
      ]);
      expect([first?.id, second?.id]).toEqual([`${runs[0]?.idPrefix}-1`, `${runs[1]?.idPrefix}-1`]);
    });

    it("answers a batch that comes again as it did before, and appends nothing", async () => {
      const topic = freshTopic();
      const [publisher, other] = [topic, `${topic}-other`];
      const first = await publishBatch({ publisher, number: 1, topic }, "a", "b");
      const second = await publishBatch({ publisher, number: 2, topic }, "c");
      await publishBatch({ publisher: other, number: 1, topic }, "d");
      expect(await publishBatch({ publisher, number: 1, topic }, "a", "b")).toEqual(first);
      expect(await publishBatch({ publisher, number: 2, topic }, "c")).toEqual(second);
      expect((await readAll(topic)).map(toText)).toEqual(["a", "b", "c", "d"]);
    });

    it("appends batches in the order of their numbers, whichever comes first", async () => {
      const topic = freshTopic();
      await publishBatch({ publisher: topic, number: 1, topic }, "1");
      await Promise.all([4, 3, 2].map((number) => publishBatch({ publisher: topic, number, topic }, String(number))));
      expect((await readAll(topic)).map(toText)).toEqual(["1", "2", "3", "4"]);
    });

    it("refuses a batch behind one that was refused", async () => {
      const topic = freshTopic();
      const bad = publishBatch({ publisher: topic, number: 1, topic: "" }, "a");
      const behind = publishBatch({ publisher: topic, number: 2, topic }, "b");
      await expectError(bad, "invalid_argument");
      await expectError(behind, "failed_precondition");
      expect(await readAll(topic)).toEqual([]);
    });

    it("refuses a batch whose answer is no longer kept", async () => {
      const topic = freshTopic();
      for (let number = 1; number <= limits.eventPublisherBatchesKept + 1; number += 1) {
        await publishBatch({ publisher: topic, number, topic }, String(number));
      }
      await expectError(publishBatch({ publisher: topic, number: 1, topic }, "1"), "conflict");
      expect((await readAll(topic)).length).toBe(limits.eventPublisherBatchesKept + 1);
    });

    it("keeps the publishers of namespaces apart", async () => {
      const topic = freshTopic();
      await publishBatch({ publisher: topic, number: 1, topic }, "a");
      const batch = { publisher: topic, number: 1 };
      await scene.events.publishBatch("elsewhere", batch, [toEvent(topic, "b")]);
      expect((await scene.events.read({ namespace: "elsewhere", topic })).map(toText)).toEqual(["b"]);
    });

    it("refuses names and numbers that are none", async () => {
      const topic = freshTopic();
      const publisher = "p".repeat(limits.eventPublisherIdLengthMax + 1);
      await expectError(publishBatch({ publisher, number: 1, topic }, "a"), "invalid_argument");
      await expectError(publishBatch({ publisher: topic, number: 0, topic }, "a"), "invalid_argument");
    });
  });
}
