import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import type { BrokerMessage, BrokerState } from "#interface/broker.ts";

/** A subscription under test. */
export interface TestSubscription {
  /** The next message; waits for it. */
  next(): Promise<BrokerMessage>;
  /** Messages that it lost so far, as far as it was told. */
  readonly dropped: number;
  leave(): Promise<void>;
}

/** A broker to put to the test, however it is reached. */
export interface BrokerSubject extends AsyncDisposable {
  publish(namespace: string, messages: readonly BrokerMessage[]): Promise<void>;
  /** Resolves when what is published from then on comes. */
  subscribe(options: {
    readonly namespace: string;
    readonly topic: string;
    readonly queue?: string;
    readonly signal?: AbortSignal;
  }): Promise<TestSubscription>;
  /** Acts as an administrator of the namespace. */
  state(namespace: string): Promise<BrokerState>;
}

const namespace = "micro";

/** A message with text in it. */
export function sampleMessage(topic: string, text: string, header: Record<string, string> = {}): BrokerMessage {
  return { topic, header, body: new TextEncoder().encode(text) };
}

/** What every broker promises, whichever driver keeps it and whether it is reached in process or over RPC. */
export function describeBroker(name: string, setup: () => Promise<BrokerSubject>): void {
  describe(`${name}: Broker.publish()`, () => {
    it("reaches every subscriber of the topic, in order", async () => {
      await using broker = await setup();
      const all = await Promise.all([1, 2, 3].map(() => broker.subscribe({ namespace, topic: "orders.created" })));
      await broker.publish(
        namespace,
        Array.from({ length: 100 }, (_, index) => sampleMessage("orders.created", `${index}`)),
      );
      await broker.publish(namespace, [sampleMessage("orders.created", "100")]);
      for (const each of all) {
        expect(await texts(each, 101)).toEqual(Array.from({ length: 101 }, (_, index) => `${index}`));
      }
    });

    it("gives topic, header and body as they were", async () => {
      await using broker = await setup();
      const subscription = await broker.subscribe({ namespace, topic: "files/eu:1.new" });
      const header = { "Content-Type": "text/plain", "x-Odd-KEY": "ü", __proto__x: "1" };
      const body = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
      await broker.publish(namespace, [
        { topic: "files/eu:1.new", header, body },
        { topic: "files/eu:1.new", header: {}, body: new Uint8Array(0) },
      ]);
      const first = await subscription.next();
      expect(first.topic).toBe("files/eu:1.new");
      expect(first.header).toMatchObject(header);
      expect(Buffer.from(first.body).equals(Buffer.from(body))).toBe(true);
      expect((await subscription.next()).body.byteLength).toBe(0);
    });

    it("keeps what was published when the publisher writes over it", async () => {
      await using broker = await setup();
      const subscription = await broker.subscribe({ namespace, topic: "t" });
      const header: Record<string, string> = { step: "1" };
      const body = new TextEncoder().encode("before");
      const isSent = broker.publish(namespace, [{ topic: "t", header, body }]);
      body.fill(0);
      header["step"] = "2";
      await isSent;
      const message = await subscription.next();
      expect([message.header["step"], new TextDecoder().decode(message.body)]).toEqual(["1", "before"]);
    });

    it("tells nobody else", async () => {
      await using broker = await setup();
      const other = await broker.subscribe({ namespace, topic: "orders" });
      await broker.publish(namespace, [sampleMessage("orders.created", "no"), sampleMessage("orders", "yes")]);
      expect(await texts(other, 1)).toEqual(["yes"]);
    });

    it("refuses a bad topic, and with it the messages beside it", async () => {
      await using broker = await setup();
      const subscription = await broker.subscribe({ namespace, topic: "good" });
      for (const topic of ["a..b", ".a", "a b", "*", "a.>", "x".repeat(limits.topicLengthMax + 1)]) {
        const refusal = await failure(broker.publish(namespace, [sampleMessage(topic, "bad")]));
        expect([topic, refusal]).toMatchObject([topic, { code: "invalid_argument" }]);
      }
      await broker.publish(namespace, [sampleMessage("good", "after")]);
      expect(await texts(subscription, 1)).toEqual(["after"]);
    });

    it("refuses a message above the limit", async () => {
      await using broker = await setup();
      const body = new Uint8Array(limits.brokerMessageBytesMax + 1);
      expect(await failure(broker.publish(namespace, [{ topic: "t", header: {}, body }]))).toMatchObject({
        code: "payload_too_large",
      });
    });
  });

  describe(`${name}: Broker.subscribe()`, () => {
    it("takes * for one word and > for one or more at the end", async () => {
      await using broker = await setup();
      const one = await broker.subscribe({ namespace, topic: "orders.*.paid" });
      const rest = await broker.subscribe({ namespace, topic: "orders.>" });
      const all = await broker.subscribe({ namespace, topic: ">" });
      const topics = ["orders", "orders.1.paid", "orders.1.2.paid", "orders.2", "other.1.paid"];
      await broker.publish(
        namespace,
        topics.map((topic) => sampleMessage(topic, topic)),
      );
      expect(await texts(one, 1)).toEqual(["orders.1.paid"]);
      expect(await texts(rest, 3)).toEqual(["orders.1.paid", "orders.1.2.paid", "orders.2"]);
      expect(await texts(all, 5)).toEqual(topics);
    });

    it("gives each message to one member of each queue, and to everybody outside", async () => {
      await using broker = await setup();
      const heard: Record<string, string[]> = { first: [], second: [], outside: [] };
      const listen = async (label: string, topic: string, queue?: string): Promise<void> => {
        const subscription = await broker.subscribe({ namespace, topic, ...(queue !== undefined && { queue }) });
        void collect(subscription, heard[label] ?? []);
      };
      // Members of one queue need not ask in the same words.
      await listen("first", "jobs.new", "first");
      await listen("first", "jobs.*", "first");
      await listen("first", "jobs.>", "first");
      await listen("second", "jobs.new", "second");
      await listen("outside", "jobs.new");
      const expected = Array.from({ length: 300 }, (_, index) => `${index}`);
      for (const text of expected) await broker.publish(namespace, [sampleMessage("jobs.new", text)]);
      await until(() => Object.values(heard).every((each) => each.length >= expected.length));
      for (const each of Object.values(heard)) {
        expect(each.toSorted((a, b) => Number(a) - Number(b))).toEqual(expected);
      }
    });

    it("lets members of a queue that take nothing have less than those that do", async () => {
      await using broker = await setup();
      const stuck = await broker.subscribe({ namespace, topic: "jobs", queue: "workers" });
      const busy = await broker.subscribe({ namespace, topic: "jobs", queue: "workers" });
      const heard: string[] = [];
      void collect(busy, heard);
      const padding = "x".repeat(1_000);
      const batch = Array.from({ length: 100 }, (_, index) => sampleMessage("jobs", `${index} ${padding}`));
      const roundCount = 150;
      for (let round = 0; round < roundCount; round += 1) {
        await broker.publish(namespace, batch);
        await until(async () => (await broker.state(namespace)).subscriptions.some(({ waiting }) => waiting === 0));
      }
      // The other had what its connection holds.
      await until(() => heard.length > (roundCount * batch.length) / 2);
      expect((await broker.state(namespace)).subscriptions).toMatchObject([{ dropped: 0 }, { dropped: 0 }]);
      await stuck.leave();
    }, 30_000);

    it("keeps namespaces apart", async () => {
      await using broker = await setup();
      const ours = await broker.subscribe({ namespace, topic: ">" });
      const theirs = await broker.subscribe({ namespace: "other", topic: ">" });
      await broker.publish("other", [sampleMessage("t", "theirs")]);
      await broker.publish(namespace, [sampleMessage("t", "ours")]);
      expect(await texts(ours, 1)).toEqual(["ours"]);
      expect(await texts(theirs, 1)).toEqual(["theirs"]);
      expect((await broker.state(namespace)).published).toBe(1);
    });

    it("drops the oldest for a subscriber that does not read, and says how many", async () => {
      await using broker = await setup();
      const slow = await broker.subscribe({ namespace, topic: "flood" });
      const quick = await broker.subscribe({ namespace, topic: "flood" });
      const quickTexts: string[] = [];
      void collect(quick, quickTexts);
      // More than its buffer and its connection hold together.
      const padding = "x".repeat(10_000);
      const total = 4_000;
      for (let start = 0; start < total; start += 50) {
        const batch = Array.from({ length: 50 }, (_, index) => sampleMessage("flood", `${start + index} ${padding}`));
        await broker.publish(namespace, batch);
        await until(() => quickTexts.length === start + 50);
      }
      const heard: number[] = [];
      while (heard.at(-1) !== total - 1) heard.push(Number.parseInt(text(await slow.next())));
      expect(heard.length + slow.dropped).toBe(total);
      expect(slow.dropped).toBeGreaterThan(0);
      expect(heard).toEqual(heard.toSorted((a, b) => a - b));
      expect(quick.dropped).toBe(0);
    }, 60_000);

    it("forgets a subscriber that leaves or whose signal aborts", async () => {
      await using broker = await setup();
      const end = new AbortController();
      const leaving = await broker.subscribe({ namespace, topic: "t" });
      await broker.subscribe({ namespace, topic: "t.*", queue: "q", signal: end.signal });
      expect((await broker.state(namespace)).subscriptions).toMatchObject([
        { topic: "t", queue: "" },
        { topic: "t.*", queue: "q" },
      ]);
      await leaving.leave();
      end.abort();
      await until(async () => (await broker.state(namespace)).subscriptions.length === 0);
    });

    it("refuses what is no pattern and no queue", async () => {
      await using broker = await setup();
      for (const topic of ["a.>.b", "a*", "a..*", "*.", "a b.*", ">>"]) {
        const refusal = await failure(broker.subscribe({ namespace, topic }));
        expect([topic, refusal]).toMatchObject([topic, { code: "invalid_argument" }]);
      }
      expect(await failure(broker.subscribe({ namespace, topic: "t", queue: "a b" }))).toMatchObject({
        code: "invalid_argument",
      });
      expect((await broker.state(namespace)).subscriptions).toEqual([]);
    });
  });

  describe(`${name}: Broker.state()`, () => {
    it("counts what was published, heard and not heard", async () => {
      await using broker = await setup();
      const subscription = await broker.subscribe({ namespace, topic: "a" });
      await broker.publish(namespace, [sampleMessage("a", "1"), sampleMessage("b", "2"), sampleMessage("b", "3")]);
      await subscription.next();
      expect(await broker.state(namespace)).toMatchObject({
        subscriptions: [{ topic: "a", queue: "", delivered: 1, dropped: 0, waiting: 0 }],
        published: 3,
        unheard: 2,
      });
    });

    it("is empty where nobody was", async () => {
      await using broker = await setup();
      expect(await broker.state("quiet")).toEqual({ subscriptions: [], published: 0, unheard: 0 });
    });
  });
}

function text(message: BrokerMessage): string {
  return new TextDecoder().decode(message.body);
}

async function texts(subscription: TestSubscription, count: number): Promise<string[]> {
  const all: string[] = [];
  while (all.length < count) all.push(text(await subscription.next()));
  return all;
}

/** Reads until the subscription ends. */
async function collect(subscription: TestSubscription, into: string[]): Promise<void> {
  try {
    for (;;) into.push(text(await subscription.next()));
  } catch {
    // It ended, with the broker at the latest.
  }
}

function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}
