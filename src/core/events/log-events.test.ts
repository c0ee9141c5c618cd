import { afterEach, beforeEach, describe, expect, it } from "bun:test";
import { systemClock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import { silentLogger } from "#base/logger.ts";
import { EventReader } from "#conformance/event-reader.ts";
import { expectError } from "#conformance/expect-error.ts";
import { deadLetterTopic, type ConsumeOptions, type Events, type StoredEvent } from "#interface/events.ts";
import type { EventLog } from "./event-log.ts";
import { createEvents } from "./log-events.ts";
import { MemoryEventLog } from "./memory-event-log.ts";

const namespace = "micro";
const topic = "orders";
const group = "mail";
const payload = new Uint8Array([1]);
const earliest = { kind: "earliest" } as const;

/** What a disk refuses for as long as it is set. */
interface Disk {
  refusesWrites: boolean;
  refusesReads: boolean;
}

/** The log on a disk that may refuse. */
function onDisk(log: EventLog, disk: Disk): EventLog {
  const requireReadable = (): EventLog => {
    if (disk.refusesReads) throw new MicroError("unavailable", "the disk cannot be read");
    return log;
  };
  const requireWritable = async (): Promise<EventLog> => {
    if (disk.refusesWrites) throw new MicroError("unavailable", "the disk is full");
    return log;
  };
  return {
    write: async (write) => (await requireWritable()).write(write),
    append: async (write) => (await requireWritable()).append(write),
    read: (...given) => requireReadable().read(...given),
    readAt: (...given) => requireReadable().readAt(...given),
    sequenceAt: (...given) => log.sequenceAt(...given),
    topic: (key) => log.topic(key),
    topics: (namespace) => log.topics(namespace),
    place: (key) => log.place(key),
    groups: (key) => log.groups(key),
    setRetention: (...given) => log.setRetention(...given),
    deleteTopic: (key) => log.deleteTopic(key),
    deleteGroup: (key) => log.deleteGroup(key),
    onAppend: (listener) => log.onAppend(listener),
    close: () => log.close(),
  };
}

describe("createEvents()", () => {
  let log: EventLog;
  let disk: Disk;
  let events: Events & Stoppable;
  const start = (): Events & Stoppable => createEvents({ log, clock: systemClock, logger: silentLogger });
  beforeEach(() => {
    disk = { refusesWrites: false, refusesReads: false };
    log = onDisk(new MemoryEventLog({ clock: systemClock }), disk);
    events = start();
  });
  afterEach(() => events.stop());

  const publish = (count: number): Promise<unknown> =>
    events.publish(
      namespace,
      Array.from({ length: count }, () => ({ topic, payload })),
    );
  const join = (options: Partial<ConsumeOptions> = {}): EventReader =>
    new EventReader(events.consume({ namespace, topic, group, start: earliest, ...options }));
  const letters = (): readonly StoredEvent[] =>
    log.read({ namespace, topic: deadLetterTopic(topic, group) }, { sequence: 1, countMax: 100, bytesMax: 1_000_000 });

  it("goes on after a restart where each group was", async () => {
    await publish(5);
    const reader = join();
    const [a, , c] = await reader.take(3);
    if (a === undefined || c === undefined) throw new Error("three were sent");
    reader.acknowledge(a, c);
    await events.stop();
    await expectError(
      reader.next().then(() => reader.take(3)),
      "unavailable",
    );
    expect(() => events.consume({ namespace, topic })).toThrow("events are stopping");
    events = start();
    expect((await join().take(3)).map((each) => each.sequence)).toEqual([2, 4, 5]);
  });

  it("remembers where a new group began before it acknowledged anything", async () => {
    await publish(2);
    join({ start: { kind: "latest" } });
    await events.stop();
    events = start();
    await publish(1);
    expect(await join().next()).toMatchObject({ sequence: 3 });
  });

  it("writes each dead letter once, however often the disk refuses", async () => {
    await publish(3);
    const reader = join({ retryCountMax: 0 });
    const all = await reader.take(3);
    disk.refusesWrites = true;
    for (const each of all) reader.refuse(each);
    const attempt = events.acknowledge({ namespace, topic, group }, [all[0]?.id ?? ""]);
    await expectError(attempt, "unavailable");
    disk.refusesWrites = false;
    await until(() => letters().length > 0);
    await events.stop();
    expect(letters().map((each) => each.metadata["micro-dead-sequence"])).toEqual(["2", "3"]);
    expect(log.place({ namespace, topic, group })).toEqual({ floor: 3, done: [] });
  });

  it("ends consumers while the disk cannot be read, and serves them again afterwards", async () => {
    await publish(3);
    const reader = join({ pendingCountMax: 4, retryCountMax: 0 });
    await reader.take(1);
    disk.refusesReads = true;
    await expectError(reader.take(3), "unavailable");
    disk.refusesReads = false;
    expect((await join().take(3)).map((each) => each.sequence)).toEqual([1, 2, 3]);
  });

  it("stops reading for a group that has too much unfinished, and goes on when it finishes some", async () => {
    await publish(limits.eventBatchCountMax);
    await publish(limits.eventBatchCountMax);
    const greedy = join({ pendingCountMax: limits.eventUnfinishedCountMax });
    const held = await greedy.take(limits.eventUnfinishedCountMax);
    const other = join();
    const [state] = await events.groups(namespace, topic);
    expect(state).toMatchObject({ pending: limits.eventUnfinishedCountMax, consumers: 2 });
    greedy.acknowledge(...held.slice(0, 10));
    expect((await Promise.race([other.next(), greedy.next()])).sequence).toBe(limits.eventUnfinishedCountMax + 1);
  });

  it("leaves turns to others while a consumer reads without a pause", async () => {
    await publish(limits.eventBatchCountMax);
    let turnCount = 0;
    const counting = setInterval(() => {
      turnCount += 1;
    }, 0);
    const consumer = events.consume({ namespace, topic, group, start: earliest, pendingCountMax: 64 });
    let left = limits.eventBatchCountMax;
    for await (const batch of consumer) {
      consumer.acknowledge(batch.map((each) => each.sequence));
      left -= batch.length;
      if (left === 0) break;
    }
    clearInterval(counting);
    expect(turnCount).toBeGreaterThan(2);
  });

  it("keeps nothing of a consumer that acknowledges after its topic was deleted", async () => {
    await publish(1);
    const reader = join();
    const event = await reader.next();
    await events.deleteTopic({ namespace, topic });
    reader.acknowledge(event);
    reader.refuse(event);
    await events.stop();
    expect(log.groups({ namespace, topic })).toEqual([]);
    expect(log.topics(namespace)).toEqual([]);
  });

  it("gives a moved group its events anew", async () => {
    await publish(3);
    const first = join();
    first.acknowledge(...(await first.take(3)));
    await first.leave();
    const second = join({ start: { kind: "sequence", sequence: 2 } });
    expect((await second.take(2)).map((each) => [each.sequence, each.attempt])).toEqual([
      [2, 1],
      [3, 1],
    ]);
    await events.stop();
    expect(log.place({ namespace, topic, group })).toEqual({ floor: 1, done: [] });
  });

  it("limits consumers of a group, readers and groups of a topic", async () => {
    for (let count = 0; count < limits.eventConsumersPerGroupMax; count += 1) join();
    expect(() => join()).toThrow(`group ${group} has 1000 consumers`);
    for (let count = 0; count < limits.groupsPerTopicMax; count += 1) events.consume({ namespace, topic });
    expect(() => events.consume({ namespace, topic })).toThrow("readers without a group");
    for (let count = 1; count < limits.groupsPerTopicMax; count += 1) join({ group: `g${count}` });
    expect(() => join({ group: "one-more" })).toThrow(`topic ${topic} has 1000 groups`);
    await publish(1);
  });

  it("limits topics of a namespace, but not those of dead letters", async () => {
    await publish(1);
    const reader = join({ retryCountMax: 0 });
    const event = await reader.next();
    const others = Array.from({ length: limits.topicsPerNamespaceMax - 1 }, (_, index) => ({
      topic: `t${index}`,
      payload,
    }));
    await events.publish(namespace, others);
    await expectError(events.publish(namespace, [{ topic: "one-more", payload }]), "too_many_requests");
    await expectError(events.setRetention({ namespace, topic: "one-more" }, {}), "too_many_requests");
    await publish(1);
    await events.publish("elsewhere", [{ topic: "one-more", payload }]);
    reader.refuse(event);
    await until(() => letters().length === 1);
  });
});

/** Waits for what happens in turns to come. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
