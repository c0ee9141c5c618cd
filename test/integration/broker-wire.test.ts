import { describe, expect, it } from "bun:test";
import { constants, type ClientHttp2Session } from "node:http2";
import { decodePercent } from "#rpc/error-wire.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { startBroker, testToken } from "../conformance/broker-server.ts";
import { dial, RawCall } from "../wire/http2-call.ts";

/** What a Go client sends: it never closes its side of a stream. */
function open(session: ClientHttp2Session, method: string, headers: Record<string, string> = {}): RawCall {
  return new RawCall(session, {
    ":path": `/broker.Broker/${method}`,
    authorization: `Bearer ${testToken}`,
    "micro-namespace": "micro",
    remote: "10.0.0.1:1234",
    "user-agent": "grpc-go/1.48.0",
    ...headers,
  });
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64");
}

describe("Broker on the wire", () => {
  it("delivers to a caller that keeps its side open, with the publisher's header and without his token", async () => {
    await using server = await startBroker();
    const session = dial(server.address);
    const subscriber = open(session, "Subscribe").send({ topic: "orders", queue: "workers" });
    const batches = open(session, "SubscribeBatch").send({ topic: "orders" });
    await waitUntil("both are there", () => server.broker.subscriberCount === 2);
    const header = {
      "Micro-Topic": "orders",
      "Content-Type": "application/grpc+proto",
      Authorization: `Bearer ${testToken}`,
      "proxy-authorization": "x",
    };
    const message = { header, body: encode("hello") };
    const published = open(session, "Publish", {
      cookie: `micro-token=${testToken}`,
      "x-forwarded-authorization": testToken,
      "x-request-id": "42",
    }).send({ topic: "orders", message });
    expect((await published.closed()).status).toBe("0");
    await waitUntil("it came", () => subscriber.messages.length === 1 && batches.messages.length === 2);
    const delivered = {
      header: {
        "Micro-Topic": "orders",
        "Content-Type": "application/grpc+proto",
        "Micro-Namespace": "micro",
        "X-Request-Id": "42",
      },
      body: encode("hello"),
      topic: "orders",
    };
    expect(JSON.parse(subscriber.messages[0] ?? "")).toEqual(delivered);
    // The first of a batch stream only says that it stands.
    expect(batches.messages.map((each) => JSON.parse(each) as unknown)).toMatchObject([{}, { messages: [delivered] }]);
    expect(subscriber.body + batches.body).not.toContain(testToken);
    subscriber.stream.close(constants.NGHTTP2_CANCEL);
    batches.stream.close(constants.NGHTTP2_CANCEL);
    await waitUntil("both have left", () => server.broker.subscriberCount === 0);
    session.destroy();
  });

  it("forgets subscribers whose connection is lost", async () => {
    await using server = await startBroker();
    const session = dial(server.address);
    for (let count = 0; count < 20; count += 1) open(session, "Subscribe").send({ topic: "orders" });
    await waitUntil("all are there", () => server.broker.subscriberCount === 20);
    session.destroy();
    await waitUntil("all have left", () => server.broker.subscriberCount === 0);
  });

  it.each([
    ["Publish", {}, {}, "3", "Missing topic"],
    ["Publish", { topic: "t" }, {}, "3", "Missing message"],
    ["Publish", { topic: "a b", message: {} }, {}, "3", "is not a topic name"],
    [
      "PublishBatch",
      { messages: [{ topic: "t", message: {} }, { topic: "t" }] },
      {},
      "3",
      "Missing message of message 2 of 2",
    ],
    ["Subscribe", {}, {}, "3", "Missing topic"],
    ["SubscribeBatch", { topic: "a.>.b" }, {}, "3", "is not a topic pattern"],
    ["Publish", { topic: "t", message: {} }, { account: "nobody" }, "16", "an account is required"],
    ["Subscribe", { topic: "t" }, { account: "nobody" }, "16", "an account is required"],
    ["Stats", {}, { account: "nobody" }, "16", "an account is required"],
    ["Stats", {}, { account: "jane" }, "7", "is not an administrator"],
  ])("refuses %s of %j with %j", async (method, request, headers, status, detail) => {
    await using server = await startBroker();
    const session = dial(server.address);
    const call = await open(session, method, headers).send(request).closed();
    expect([call.status, decodePercent(call.message)]).toEqual([status, expect.stringContaining(detail)]);
    expect(server.broker.state("micro")).toEqual({ subscriptions: [], published: 0, unheard: 0 });
    session.destroy();
  });
});

describe("requireBrokerNamespace()", () => {
  it("gives an account of another namespace its own topics, whatever namespace it reaches the broker in", async () => {
    await using server = await startBroker();
    const session = dial(server.address);
    const subscriber = open(session, "Subscribe", { "account-namespace": "foo" }).send({ topic: ">" });
    await waitUntil("it listens", () => server.broker.state("foo").subscriptions.length === 1);
    expect(server.broker.state("micro").subscriptions).toEqual([]);
    const message = { body: encode("x") };
    await open(session, "Publish").send({ topic: "t", message }).closed();
    await open(session, "Publish", { "account-namespace": "foo" }).send({ topic: "t", message }).closed();
    await waitUntil("its own came", () => subscriber.messages.length === 1);
    expect([server.broker.state("micro").published, server.broker.state("foo").published]).toEqual([1, 1]);
    session.destroy();
  });
});
