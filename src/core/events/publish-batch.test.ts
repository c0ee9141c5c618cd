import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { PublishBatchRequestSchema, PublishBatchResponseSchema } from "#gen/events/events_pb.ts";
import { protoMessage } from "#rpc/proto-message.ts";
import { publishBatchInput, publishBatchOutput } from "./publish-batch.ts";

const request = protoMessage(PublishBatchRequestSchema);
const response = protoMessage(PublishBatchResponseSchema);
const text = fc.string({ unit: "grapheme" });
const events = fc.array(
  fc.record({
    topic: fc.string({ unit: "grapheme", minLength: 1 }),
    id: text,
    payload: fc.uint8Array(),
    metadata: fc.dictionary(text, text),
    timestamp: fc.nat().map(BigInt),
    timestampMs: fc.maxSafeNat().map(BigInt),
  }),
);

describe("publishBatchInput", () => {
  it("reads what the library writes", () => {
    const property = fc.property(events, (given) => {
      const expected = given.map(({ topic, id, payload, metadata, timestamp, timestampMs }) => ({
        topic,
        payload,
        ...(Object.keys(metadata).length > 0 && { metadata }),
        ...(id !== "" && { id }),
        ...((timestampMs || timestamp) !== 0n && { timestampMs: Number(timestampMs || timestamp * 1_000n) }),
      }));
      const read = publishBatchInput.binary?.decode(request.binary.encode({ events: given }));
      expect(read?.events.map((each) => ({ ...each, payload: new Uint8Array(each.payload) }))).toEqual(expected);
    });
    fc.assert(property);
  });

  it("reads the publisher, and events that leave out the topic of the one before", () => {
    const bytes = request.binary.encode({
      events: [{ topic: "a" }, { topic: "" }, { topic: "b" }, { id: "mine" }],
      publisher: "somebody",
      number: 7n,
    });
    const read = publishBatchInput.binary?.decode(bytes);
    expect(read?.batch).toEqual({ publisher: "somebody", number: 7 });
    expect(read?.events.map(({ topic }) => topic)).toEqual(["a", "a", "b", "b"]);
  });

  it("refuses an event without a topic, and bytes that are none", () => {
    for (const given of [{ events: [{}] }, { events: [{ topic: "a" }, {}] }, { events: [{}], publisher: "somebody" }]) {
      expect(() => publishBatchInput.binary?.decode(request.binary.encode(given))).toThrow("Missing topic");
    }
    const property = fc.property(fc.uint8Array(), (given) => {
      try {
        publishBatchInput.binary?.decode(given);
      } catch (reason) {
        expect(reason).toMatchObject({ code: "invalid_argument" });
      }
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});

describe("publishBatchOutput", () => {
  it("writes runs that the library reads", () => {
    const runs = fc.array(
      fc.record({ idPrefix: text, firstSequence: fc.maxSafeNat(), count: fc.nat(), isDuplicate: fc.boolean() }),
    );
    const property = fc.property(runs, (given) => {
      const bytes = publishBatchOutput.binary?.encode({ runs: given }) ?? new Uint8Array(0);
      const read = response.binary.decode(bytes).runs.map(({ idPrefix, firstSequence, count, duplicate }) => ({
        idPrefix,
        firstSequence: Number(firstSequence),
        count: Number(count),
        isDuplicate: duplicate,
      }));
      expect(read).toEqual(given);
    });
    fc.assert(property);
  });

  it("writes what the library reads", () => {
    const published = fc.array(fc.record({ id: text, sequence: fc.maxSafeNat(), isDuplicate: fc.boolean() }));
    const property = fc.property(published, (given) => {
      const bytes = publishBatchOutput.binary?.encode({ events: given }) ?? new Uint8Array(0);
      const read = response.binary.decode(bytes).events.map(({ id, sequence, duplicate }) => ({
        id,
        sequence: Number(sequence),
        isDuplicate: duplicate,
      }));
      expect(read).toEqual(given);
    });
    fc.assert(property);
  });
});
