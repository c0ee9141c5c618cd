import {
  type ConsumeOptions,
  type Consumer,
  type Events,
  type GroupState,
  type NewEvent,
  type PublishedEvent,
  type StoredEvent,
} from "#interface/events.ts";
import { EventReader } from "./event-reader.ts";

/** Events under test, and how to get rid of them. */
export interface EventsUnderTest extends AsyncDisposable {
  /** Acts as an administrator of every namespace. */
  readonly events: Events;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Where the suite works. */
export const namespace = "suite";
/** Longer than any test runs. */
export const neverMs = 3_600_000;

/** What the tests of events share: the events, and short words for what is done with them over and over. */
export class EventsScene {
  readonly #open: () => Promise<EventsUnderTest>;
  readonly #readers: EventReader[] = [];
  #opened: EventsUnderTest | undefined;
  #topicCount = 0;

  constructor(open: () => Promise<EventsUnderTest>) {
    this.#open = open;
  }

  get events(): Events {
    if (this.#opened === undefined) throw new Error("the events are opened before the first test");
    return this.#opened.events;
  }

  async open(): Promise<void> {
    this.#opened = await this.#open();
  }

  async close(): Promise<void> {
    for (const each of this.#readers) await each.leave();
    await this.#opened?.[Symbol.asyncDispose]();
  }

  /** A topic that no other test uses. */
  readonly freshTopic = (): string => {
    this.#topicCount += 1;
    return `topic-${this.#topicCount}`;
  };

  readonly publish = (topic: string, ...texts: readonly string[]): Promise<readonly PublishedEvent[]> =>
    this.events.publish(
      namespace,
      texts.map((text) => toEvent(topic, text)),
    );

  readonly readAll = (topic: string): Promise<readonly StoredEvent[]> =>
    this.events.read({ namespace, topic, limit: 1_000 });

  readonly join = (options: Omit<ConsumeOptions, "namespace">): EventReader => {
    const reader = new EventReader(this.events.consume({ namespace, ackWaitMs: neverMs, ...options }));
    this.#readers.push(reader);
    return reader;
  };

  /** Joins at the oldest event. */
  readonly joinEarliest = (topic: string, group: string, options: Partial<ConsumeOptions> = {}): EventReader =>
    this.join({ topic, group, start: { kind: "earliest" }, ...options });

  readonly groupOf = async (topic: string, group: string): Promise<GroupState | undefined> =>
    (await this.events.groups(namespace, topic)).find((each) => each.name === group);

  /** Waits until the state of a group is so. */
  readonly untilGroup = (topic: string, group: string, isSo: (state: GroupState) => boolean): Promise<void> =>
    eventually(`the state of group ${group}`, async () => {
      const state = await this.groupOf(topic, group);
      return state !== undefined && isSo(state);
    });
}

/** An event with this text. */
export function toEvent(topic: string, text: string): NewEvent {
  return { topic, payload: encoder.encode(text) };
}

/** The text of an event. */
export function toText({ payload }: { readonly payload: Uint8Array }): string {
  return decoder.decode(payload);
}

/** Reads once; some consumers refuse when they are made, others when they are read. */
export async function firstOf(consume: () => Consumer): Promise<unknown> {
  return new EventReader(consume()).next();
}

/** A time after everything that was published, and not after what is published from now on. */
export async function nextMoment(): Promise<number> {
  const nowMs = Date.now();
  await eventually("the clock to move", () => Date.now() > nowMs);
  return Date.now();
}

/** Waits for what the other side does in its own time. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 20_000;
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error(`waited 20 s in vain for ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
}
