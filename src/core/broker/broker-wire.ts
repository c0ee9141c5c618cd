import { MessageBatchSchema, MessageSchema, PublishBatchRequestSchema } from "#gen/broker/broker_pb.ts";
import type { BrokerMessage } from "#interface/broker.ts";
import type { MessageType } from "#rpc/method.ts";
import { integerField, lengthFieldSize, writeBytes } from "#rpc/proto-fields.ts";
import { protoMessage } from "#rpc/proto-message.ts";
import { decodePublishBatch, type PublishBatch } from "./decode-publish-batch.ts";
import { MessageSharer } from "./shared-message.ts";

/** What a subscriber is sent at a time; nothing at all says that the broker is there. */
export interface Delivery {
  readonly messages: readonly BrokerMessage[];
  /** Messages lost since the last delivery. */
  readonly dropped: bigint;
}

/** Fields of `broker.MessageBatch`. */
const messagesField = 1;
const droppedField = 2;

const publishBatch = protoMessage(PublishBatchRequestSchema);
const message = protoMessage(MessageSchema);
const messageBatch = protoMessage(MessageBatchSchema);

/** `broker.PublishBatchRequest`; messages whose header is the same share one object for it. */
export const publishBatchType: MessageType<PublishBatch> = {
  ...publishBatch,
  toJson: (batch) => publishBatch.toJson({ messages: [...batch.messages] }),
  binary: {
    decode: decodePublishBatch,
    encode: (batch) => publishBatch.binary.encode({ messages: [...batch.messages] }),
  },
};

/** `broker.Message`, written once however many it is sent to. */
export const messageType: MessageType<BrokerMessage> = {
  ...message,
  binary: { ...message.binary, encode: (each) => new MessageSharer().share(each).wire },
};

/**
 * `broker.MessageBatch`, put together from messages that are written once however many they are sent to. Subscribers of one
 * topic that keep up get the same batches, which are put together once for all of them.
 */
export function createDeliveryType(): MessageType<Delivery> {
  let last: { readonly delivery: Delivery; readonly bytes: Uint8Array } | undefined;
  const encode = (delivery: Delivery): Uint8Array => {
    if (last === undefined || !isSame(last.delivery, delivery)) last = { delivery, bytes: encodeDelivery(delivery) };
    return last.bytes;
  };
  return {
    ...messageBatch,
    toJson: ({ messages, dropped }) => messageBatch.toJson({ messages: [...messages], dropped }),
    binary: { ...messageBatch.binary, encode },
  };
}

function isSame(a: Delivery, b: Delivery): boolean {
  return (
    a.dropped === b.dropped &&
    a.messages.length === b.messages.length &&
    a.messages.every((each, index) => each === b.messages[index])
  );
}

function encodeDelivery({ messages, dropped }: Delivery): Uint8Array {
  const sharer = new MessageSharer();
  const written = messages.map((each) => sharer.share(each).wire);
  const tail = integerField(droppedField, Number(dropped));
  let byteCount = tail.byteLength;
  for (const each of written) byteCount += lengthFieldSize(messagesField, each.byteLength);
  const bytes = new Uint8Array(byteCount);
  let at = 0;
  for (const each of written) at = writeBytes(bytes, at, messagesField, each);
  bytes.set(tail, at);
  return bytes;
}
