import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { constants, type ClientHttp2Session } from "node:http2";
import { fromBinary, toBinary, create } from "@bufbuild/protobuf";
import { systemClock } from "#base/clock.ts";
import { eventsMethods } from "#core/events/events-methods.ts";
import { createEvents } from "#core/events/log-events.ts";
import { MemoryEventLog } from "#core/events/memory-event-log.ts";
import { silentLogger } from "#base/logger.ts";
import { AckRequestSchema, ConsumeRequestSchema, EventSchema } from "#gen/events/events_pb.ts";
import type { Account } from "#interface/auth.ts";
import { decodePercent } from "#rpc/error-wire.ts";
import { encodeFrame, FrameDecoder } from "#rpc/grpc-frame.ts";
import { createServiceTable } from "#rpc/service-table.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { startRemoteEvents, type RemoteEvents } from "../conformance/events-server.ts";
import { dial, RawCall } from "../wire/http2-call.ts";

interface WireEvent {
  readonly id: string;
  readonly topic: string;
  readonly payload: string;
  readonly sequence: string;
  readonly attempt: number;
  readonly timestamp: string;
}

const secondNs = "1000000000";

describe("events on the wire", () => {
  let remote: RemoteEvents;
  let session: ClientHttp2Session;
  let topicCount = 0;
  beforeAll(async () => {
    remote = await startRemoteEvents();
    session = dial(remote.address);
  });
  afterAll(async () => {
    session.destroy();
    await remote[Symbol.asyncDispose]();
  });

  const freshTopic = (): string => {
    topicCount += 1;
    return `topic-${topicCount}`;
  };
  const call = (method: string, message: unknown): RawCall =>
    new RawCall(session, { ":path": `/events.${method}` }).send(message);
  const unary = async (method: string, message: unknown): Promise<Record<string, unknown>> => {
    const { messages, message: refusal } = await call(method, message).closed();
    if (messages[0] === undefined) throw new Error(decodePercent(refusal));
    return JSON.parse(messages[0]) as Record<string, unknown>;
  };
  const publish = async (topic: string, ...texts: readonly string[]): Promise<void> => {
    for (const text of texts) await unary("Stream/Publish", { topic, payload: toBase64(text) });
  };
  const eventsOf = (stream: RawCall): WireEvent[] => stream.messages.map((each) => JSON.parse(each) as WireEvent);
  const refusalOf = async (method: string, message: unknown): Promise<[unknown, string]> => {
    const refused = await call(method, message).closed();
    return [refused.status, decodePercent(refused.message)];
  };
  const groupOf = async (topic: string): Promise<Record<string, unknown> | undefined> => {
    const { groups } = await unary("Stream/ListGroups", { topic });
    return (groups as Record<string, unknown>[])[0];
  };

  describe("Stream.Consume", () => {
    it("sends an event a message, and hears acknowledgements of a caller that never ends its side", async () => {
      const topic = freshTopic();
      await publish(topic, "a", "b", "c");
      const consume = { topic, group: "g", start: "EARLIEST", ack_wait: secondNs, retry_limit: "-1" };
      const stream = call("Stream/Consume", consume);
      await waitUntil("three events", () => stream.messages.length === 3);
      expect(eventsOf(stream).map((each) => [fromBase64(each.payload), each.sequence, each.attempt])).toEqual([
        ["a", "1", 1],
        ["b", "2", 1],
        ["c", "3", 1],
      ]);
      const [a, b, c] = eventsOf(stream);
      stream.send({ id: a?.id, success: true }).send({ id: c?.id, success: true });
      stream.send({ id: "unknown", success: true }).send({ id: b?.id, success: false });
      await waitUntil("the refused event", () => stream.messages.length === 4);
      expect(eventsOf(stream)[3]).toMatchObject({ id: b?.id, attempt: 2 });
      stream.send({ id: b?.id, success: true });
      await waitUntil("the acknowledgements", async () => (await groupOf(topic))?.["sequence"] === "3");
      expect(stream.stream.closed).toBe(false);
      stream.stream.close(constants.NGHTTP2_CANCEL);
      await waitUntil("the consumer to leave", async () => (await groupOf(topic))?.["consumers"] === "0");
    });

    it("does the same in protobuf", async () => {
      const topic = freshTopic();
      await publish(topic, "a", "b");
      const raw = new RawCall(session, { ":path": "/events.Stream/Consume", "content-type": "application/grpc" });
      const chunks: Uint8Array[] = [];
      const decoder = new FrameDecoder();
      raw.stream.on("data", (chunk: Buffer) => {
        for (const { message } of decoder.push(chunk)) chunks.push(message);
      });
      const first = create(ConsumeRequestSchema, { topic, group: "g", offset: 1n, ackWait: BigInt(secondNs) });
      raw.stream.write(encodeFrame(toBinary(ConsumeRequestSchema, first)));
      await waitUntil("two events", () => chunks.length === 2);
      for (const chunk of chunks) {
        const { id } = fromBinary(EventSchema, chunk);
        raw.stream.write(encodeFrame(toBinary(AckRequestSchema, create(AckRequestSchema, { id, success: true }))));
      }
      await waitUntil("the acknowledgements", async () => (await groupOf(topic))?.["sequence"] === "2");
      raw.stream.close(constants.NGHTTP2_CANCEL);
    });

    it("goes on for a caller that has ended its side", async () => {
      const topic = freshTopic();
      const stream = call("Stream/Consume", { topic, start: "EARLIEST", auto_ack: true });
      stream.stream.end();
      await publish(topic, "a");
      await waitUntil("the event", () => stream.messages.length === 1);
      expect(stream.stream.closed).toBe(false);
      stream.stream.close(constants.NGHTTP2_CANCEL);
    });

    it("gives each caller without a group all events", async () => {
      const topic = freshTopic();
      await publish(topic, "a");
      const streams = [1, 2].map(() => call("Stream/Consume", { topic, offset: "1", auto_ack: true }));
      await publish(topic, "b");
      await waitUntil("both events for both", () => streams.every((each) => each.messages.length === 2));
      for (const each of streams) each.stream.close(constants.NGHTTP2_CANCEL);
    });

    it("begins now for a caller of Micro's Go framework that names no time, which sends that of the year 1", async () => {
      const topic = freshTopic();
      await publish(topic, "before");
      const stream = call("Stream/Consume", { topic, offset: "-62135596800", auto_ack: true });
      await waitUntil("an event", async () => {
        await publish(topic, "after");
        return stream.messages.length > 0;
      });
      expect(eventsOf(stream)[0]?.payload).toBe(btoa("after"));
      stream.stream.close(constants.NGHTTP2_CANCEL);
    });

    it("gives to others what a reader that acknowledges nothing never took", async () => {
      const topic = freshTopic();
      const consume = { topic, group: "g", start: "EARLIEST", auto_ack: true };
      const stream = call("Stream/Consume", consume);
      stream.stream.pause();
      const payload = "A".repeat(64 * 1024);
      const count = 400;
      for (let sent = 0; sent < count; sent += 50) {
        await unary("Stream/PublishBatch", { events: Array.from({ length: 50 }, () => ({ topic, payload })) });
      }
      await waitUntil("the first events to be sent", async () => Number((await groupOf(topic))?.["sequence"]) > 0);
      stream.stream.close(constants.NGHTTP2_CANCEL);
      await waitUntil("the consumer to leave", async () => (await groupOf(topic))?.["consumers"] === "0");
      const { sequence } = (await groupOf(topic)) ?? {};
      expect(Number(sequence)).toBeLessThan(count / 2);
      const other = call("Stream/Consume", consume);
      await waitUntil("the rest", () => other.messages.length === count - Number(sequence));
      expect(Number(eventsOf(other)[0]?.sequence)).toBe(Number(sequence) + 1);
      other.stream.close(constants.NGHTTP2_CANCEL);
    });

    it("refuses a bad request, and a bad acknowledgement", async () => {
      expect(await refusalOf("Stream/Consume", {})).toEqual(["3", expect.stringContaining("Missing topic")]);
      expect(await refusalOf("Stream/Consume", { topic: "t" })).toEqual(["3", expect.stringContaining("ack_wait")]);
      const bad = { topic: "t", ack_wait: secondNs, retry_limit: "-2" };
      expect(await refusalOf("Stream/Consume", bad)).toEqual(["3", expect.stringContaining("retry limit")]);
      const stream = call("Stream/Consume", { topic: "t", ack_wait: secondNs }).send({ success: "perhaps" });
      expect((await stream.closed()).status).toBe("3");
    });

    it("is published as the server stream that its declaration says it is", () => {
      const events = createEvents({
        log: new MemoryEventLog({ clock: systemClock }),
        clock: systemClock,
        logger: silentLogger,
      });
      const { endpoints } = createServiceTable({ name: "events", version: "1", methods: eventsMethods({ events }) });
      const consume = endpoints.find((each) => each.name === "Stream.Consume");
      expect(consume).toMatchObject({
        metadata: { kind: "server_stream", stream: "true" },
        request: { name: "ConsumeRequest" },
        response: { name: "Event" },
      });
      expect(endpoints.map((each) => each.name).toSorted()).toEqual([
        "Store.Read",
        "Store.Write",
        "Stream.Ack",
        "Stream.Consume",
        "Stream.ConsumeBatch",
        "Stream.DeleteGroup",
        "Stream.DeleteTopic",
        "Stream.ListGroups",
        "Stream.ListTopics",
        "Stream.Publish",
        "Stream.PublishBatch",
        "Stream.Redrive",
        "Stream.SetRetention",
      ]);
    });
  });

  describe("over plain HTTP", () => {
    const post = (method: string, body: unknown): Promise<Response> =>
      fetch(`http://${remote.address}/events.${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });

    it("Stream.Consume sends events to a reader that acknowledges by Stream.Ack", async () => {
      const topic = freshTopic();
      await post("Stream/Publish", { topic, payload: toBase64("a") });
      const consume = { topic, group: "g", start: "EARLIEST", ack_wait: secondNs };
      const leaving = new AbortController();
      const response = await fetch(`http://${remote.address}/events.Stream/Consume`, {
        method: "POST",
        headers: { "content-type": "application/connect+json" },
        body: encodeFrame(new TextEncoder().encode(JSON.stringify(consume))),
        signal: leaving.signal,
      });
      const { id } = await firstEvent(response);
      const refused = await post("Stream/Ack", { id, success: true, topic, group: "other" });
      expect(refused.status).toBe(404);
      const answer = await post("Stream/Ack", { id, success: true, topic, group: "g" });
      expect([answer.status, await answer.json()]).toEqual([200, {}]);
      expect(await groupOf(topic)).toMatchObject({ sequence: "1", pending: "0", consumers: "1" });
      leaving.abort();
      await waitUntil("the consumer to leave", async () => (await groupOf(topic))?.["consumers"] === "0");
    });

    it("refuses in JSON", async () => {
      const missing = await post("Stream/Publish", { payload: "" });
      expect([missing.status, await missing.json()]).toEqual([
        400,
        { id: "events", code: 400, detail: "Missing topic", status: "Bad Request" },
      ]);
      expect((await post("Store/Write", {})).status).toBe(501);
      expect((await post("Store/Read", {})).status).toBe(400);
      expect((await post("Stream/Ack", { topic: "t", id: "x" })).status).toBe(400);
      expect((await post("Stream/Ack", { topic: "t", group: "g", id: "x" })).status).toBe(404);
    });
  });

  describe("Stream.Publish and Store.Read", () => {
    it("take seconds, milliseconds or nothing as the time", async () => {
      const topic = freshTopic();
      await unary("Stream/Publish", { topic, timestamp: "5" });
      await unary("Stream/Publish", { topic, timestamp: "5", timestamp_ms: "6001" });
      const beforeMs = Date.now();
      await unary("Stream/Publish", { topic });
      const { events } = (await unary("Store/Read", { topic })) as { events: Record<string, string>[] };
      expect(events.slice(0, 2)).toMatchObject([
        { timestamp: "5", timestamp_ms: "5000" },
        { timestamp: "6", timestamp_ms: "6001" },
      ]);
      expect(Number(events[2]?.["timestamp_ms"])).toBeGreaterThanOrEqual(beforeMs);
    });

    it("give 250 events where no limit is said", async () => {
      const topic = freshTopic();
      await unary("Stream/PublishBatch", { events: Array.from({ length: 300 }, () => ({ topic })) });
      const sequences = async (request: object): Promise<(string | undefined)[]> => {
        const { events = [] } = (await unary("Store/Read", { topic, ...request })) as { events?: WireEvent[] };
        return [String(events.length), events[0]?.sequence];
      };
      expect(await sequences({})).toEqual(["250", "1"]);
      expect(await sequences({ limit: "10", offset: "5" })).toEqual(["10", "6"]);
      expect(await sequences({ start_sequence: "299" })).toEqual(["2", "299"]);
      expect(await sequences({ start_ms: String(Date.now() + 60_000) })).toEqual(["0", undefined]);
    });
  });
});

describe("events for an account that administers no namespace", () => {
  const user: Account = { id: "bob", type: "user", namespace: "shop", name: "bob", scopes: [], metadata: {} };
  const requests: readonly [string, object][] = [
    ["Stream/Publish", { topic: "t" }],
    ["Stream/PublishBatch", { events: [{ topic: "t" }] }],
    ["Stream/Consume", { topic: "t", auto_ack: true }],
    ["Stream/ConsumeBatch", { consume: { topic: "t", auto_ack: true } }],
    ["Stream/Ack", { topic: "t", group: "g", id: "x" }],
    ["Stream/ListGroups", {}],
    ["Stream/ListTopics", {}],
    ["Stream/SetRetention", { topic: "t" }],
    ["Stream/DeleteTopic", { topic: "t" }],
    ["Stream/DeleteGroup", { topic: "t", group: "g" }],
    ["Stream/Redrive", { topic: "t", group: "g" }],
    ["Store/Read", { topic: "t" }],
  ];

  it.each([
    ["nobody", undefined, "16"],
    ["a plain user", user, "7"],
    ["an administrator of another namespace", { ...user, scopes: ["admin"], namespace: "elsewhere" }, "7"],
  ] as const)("are refused to %s", async (_, account, status) => {
    await using remote = await startRemoteEvents({ account });
    const session = dial(remote.address);
    for (const [method, message] of requests) {
      const headers = { ":path": `/events.${method}`, "micro-namespace": "shop" };
      const refused = await new RawCall(session, headers).send(message).closed();
      expect([method, refused.status]).toEqual([method, status]);
    }
    session.destroy();
  });

  it("are there for a service of any namespace", async () => {
    const service: Account = { ...user, type: "service", scopes: ["service"] };
    await using remote = await startRemoteEvents({ account: service });
    const session = dial(remote.address);
    const headers = { ":path": "/events.Stream/Publish", "micro-namespace": "shop" };
    const published = await new RawCall(session, headers).send({ topic: "t" }).closed();
    expect(published.status).toBe("0");
    expect(await remote.events.read({ namespace: "shop", topic: "t" })).toHaveLength(1);
    session.destroy();
  });
});

async function firstEvent(response: Response): Promise<WireEvent> {
  if (response.body === null) throw new Error("the answer has no body");
  const decoder = new FrameDecoder();
  const reader = response.body.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the answer has ended");
    for (const { message } of decoder.push(Buffer.from(value))) {
      return JSON.parse(new TextDecoder().decode(message)) as WireEvent;
    }
  }
}

function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString();
}
