import { describe, expect, it } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { MessageBatchSchema, MessageSchema, PublishBatchRequestSchema } from "#gen/broker/broker_pb.ts";
import { MicroError } from "#base/error.ts";
import { createDeliveryType, messageType, publishBatchType } from "./broker-wire.ts";

const header = fc.dictionary(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), { maxKeys: 4 });
const body = fc.uint8Array({ maxLength: 300 });
const message = fc.record({ topic: fc.string({ unit: "grapheme" }), header, body });

describe("the broker's wire", () => {
  const deliveryType = createDeliveryType();

  it("writes batches that the protobuf library reads", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), fc.nat(), (messages, dropped) => {
        const bytes = deliveryType.binary?.encode({ messages, dropped: BigInt(dropped) }) ?? new Uint8Array();
        const read = fromBinary(MessageBatchSchema, bytes);
        expect(read.dropped).toBe(BigInt(dropped));
        expect(read.messages.map((each) => ({ ...each }))).toMatchObject(messages);
        expect(read.messages).toHaveLength(messages.length);
      }),
    );
  });

  it("writes messages that the protobuf library reads", () => {
    fc.assert(
      fc.property(message, (each) => {
        const bytes = messageType.binary?.encode(each) ?? new Uint8Array();
        expect(fromBinary(MessageSchema, bytes)).toMatchObject(each);
      }),
    );
  });

  it("reads what the protobuf library writes", () => {
    const item = fc.record({
      topic: fc.string({ unit: "grapheme" }),
      message: fc.option(fc.record({ header, body }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 5 }), (messages) => {
        const request = create(PublishBatchRequestSchema, {
          messages: messages.map(({ topic, message }) => (message === undefined ? { topic } : { topic, message })),
        });
        const read = publishBatchType.binary?.decode(toBinary(PublishBatchRequestSchema, request));
        expect(read?.messages).toEqual(messages);
      }),
    );
  });

  it("refuses bytes that are no such message, and nothing worse", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          publishBatchType.binary?.decode(bytes);
        } catch (reason) {
          expect([MicroError.is(reason), reason]).toMatchObject([true, { code: "invalid_argument" }]);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
