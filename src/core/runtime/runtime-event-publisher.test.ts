import { describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import { silentLogger } from "#base/logger.ts";
import type { Events, NewEvent, PublishedEvent } from "#interface/events.ts";
import type { RuntimeEvent, RuntimeEventType } from "#interface/runtime-event.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { RuntimeEventPublisher, type RuntimeEventPublisherOptions } from "./runtime-event-publisher.ts";

/** A block of events that refuses while it is told to. */
class FickleEvents implements Pick<Events, "publish" | "setRetention" | "topics"> {
  refusal: MicroError | undefined;
  attempts = 0;
  readonly written: (NewEvent & { readonly namespace: string })[] = [];
  readonly retained: string[] = [];

  async publish(namespace: string, events: readonly NewEvent[]): Promise<readonly PublishedEvent[]> {
    this.attempts += 1;
    if (this.refusal !== undefined) throw this.refusal;
    this.written.push(...events.map((event) => ({ ...event, namespace })));
    return [];
  }

  async setRetention({ namespace, topic }: { namespace: string; topic: string }): Promise<void> {
    this.retained.push(`${namespace}/${topic}`);
  }

  async topics(): Promise<[]> {
    return [];
  }

  /** What was written, `type of name`. */
  get told(): string[] {
    return this.written.map(({ payload }) => {
      const { Type, Service } = JSON.parse(new TextDecoder().decode(payload)) as {
        Type: string;
        Service: { name: string };
      };
      return `${Type} of ${Service.name}`;
    });
  }
}

function createPublisher(options: RuntimeEventPublisherOptions = {}) {
  const events = new FickleEvents();
  let nowMs = 1_000;
  const clock = { now: () => (nowMs += 1) };
  const publisher = new RuntimeEventPublisher(
    { events, clock, logger: silentLogger },
    { retryInitialMs: 1, ...options },
  );
  return { events, publisher };
}

function happening(type: RuntimeEventType, name = "greeter", namespace = "micro"): RuntimeEvent {
  return { type, service: { namespace, name, version: "latest" } };
}

describe("RuntimeEventPublisher.emit()", () => {
  it("publishes in order, to the namespace of the service, with Micro's payload", async () => {
    const { events, publisher } = createPublisher();
    const service = { namespace: "micro", name: "a", version: "v1", source: "id", metadata: { source: "/folder" } };
    publisher.emit({ type: "crashed", service, instance: "i1", reason: "exited with code 1" });
    publisher.emit(happening("started", "b", "other"));
    publisher.emit(happening("healthy", "a"));
    await publisher.stop();
    expect(events.told).toEqual(["service.crashed of a", "service.started of b", "service.healthy of a"]);
    expect(events.written.map(({ namespace, topic }) => `${namespace}/${topic}`)).toEqual([
      "micro/runtime",
      "other/runtime",
      "micro/runtime",
    ]);
    expect(events.retained).toEqual(["micro/runtime", "other/runtime"]);
    const [first] = events.written;
    expect(first).toMatchObject({ metadata: { type: "service.crashed", namespace: "micro" }, timestampMs: 1_001 });
    expect(JSON.parse(new TextDecoder().decode(first?.payload))).toEqual({
      Type: "service.crashed",
      Service: { name: "a", version: "v1", source: "/folder", metadata: { source: "/folder" } },
      Namespace: "micro",
      Instance: "i1",
      Reason: "exited with code 1",
    });
  });

  it("waits for a disk that refuses, and doubles nothing", async () => {
    const { events, publisher } = createPublisher();
    events.refusal = new MicroError("unavailable", "the disk is full");
    publisher.emit(happening("created"));
    publisher.emit(happening("started"));
    await waitUntil("it tries again", () => events.attempts > 2);
    events.refusal = undefined;
    await publisher.stop();
    expect(events.told).toEqual(["service.created of greeter", "service.started of greeter"]);
    expect(new Set(events.written.map(({ id }) => id)).size).toBe(2);
  });

  it("keeps the newest when too many wait, and says how many are missing", async () => {
    const { events, publisher } = createPublisher({ waitingCountMax: 3, attemptCountMax: 1_000_000 });
    events.refusal = new MicroError("unavailable", "the disk is full");
    publisher.emit(happening("created", "first"));
    await waitUntil("the first is under way", () => events.attempts > 0);
    for (const name of ["a", "b", "c", "d", "e"]) publisher.emit(happening("started", name));
    events.refusal = undefined;
    await publisher.stop();
    expect(events.told.map((each) => each.split(" ").at(-1))).toEqual(["first", "c", "d", "e"]);
    expect(events.written.map(({ metadata }) => metadata?.["missed"])).toEqual([undefined, "2", undefined, undefined]);
  });

  it("gives up what is refused for good, and goes on with the next", async () => {
    const { events, publisher } = createPublisher();
    events.refusal = new MicroError("invalid_argument", "no such namespace");
    publisher.emit(happening("created"));
    await waitUntil("it is refused", () => events.attempts === 1);
    events.refusal = undefined;
    publisher.emit(happening("started"));
    await publisher.stop();
    expect(events.told).toEqual(["service.started of greeter"]);
    expect(events.written[0]?.metadata).toMatchObject({ missed: "1" });
  });

  it("does not hold up a stop for a disk that refuses", async () => {
    const { events, publisher } = createPublisher({ attemptCountMax: 1_000_000, retryInitialMs: 10 });
    events.refusal = new MicroError("unavailable", "the disk is full");
    publisher.emit(happening("created"));
    await publisher.stop();
    expect(events.told).toEqual([]);
  });
});
