import { joinBytes } from "#base/join-bytes.ts";
import { bytesField, lengthFieldSize, ProtoFields, writeBytes, writeLengthHead } from "#rpc/proto-fields.ts";
import { createBinaryType } from "./binary-type.ts";
import { WireMessage, type ReceivedMessage } from "./broker-message.ts";
import type { CallOptions } from "./caller.ts";

/**
 * The messages of the broker's wire, written by hand: there are thousands of them in a call, and a client that needs
 * nothing else of protobuf need not load its library.
 */

/** Messages to be published, each as the encoder gave it. */
export interface OutgoingBatch {
  readonly pieces: readonly Uint8Array[];
}

export interface SubscribeRequest {
  readonly topic: string;
  readonly queue: string;
}

/** What came at one time. */
export interface Delivery {
  readonly messages: readonly ReceivedMessage[];
  /** Messages lost since the last delivery. */
  readonly dropped: number;
}

/** A message to be published. */
export interface OutgoingMessage {
  readonly topic: string;
  readonly header: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * One message as a piece of `broker.PublishBatchRequest`: a copy, so that the caller may go on using what he gave. Its
 * topic may be that of the message before, whose bytes are then used again.
 */
export class MessageEncoder {
  #topic = "";
  #topicField: Uint8Array = new Uint8Array(0);

  encode({ topic, header, body }: OutgoingMessage): Uint8Array {
    const entries = encodeHeader(header);
    const bodyByteCount = body.byteLength === 0 ? 0 : lengthFieldSize(2, body.byteLength);
    const messageByteCount = entries.byteLength + bodyByteCount;
    const topicField = this.#encodeTopic(topic);
    const requestByteCount = topicField.byteLength + lengthFieldSize(2, messageByteCount);
    const piece = new Uint8Array(lengthFieldSize(1, requestByteCount));
    let at = writeLengthHead(piece, 0, 1, requestByteCount);
    piece.set(topicField, at);
    at = writeLengthHead(piece, at + topicField.byteLength, 2, messageByteCount);
    piece.set(entries, at);
    if (bodyByteCount > 0) writeBytes(piece, at + entries.byteLength, 2, body);
    return piece;
  }

  #encodeTopic(topic: string): Uint8Array {
    if (topic === this.#topic) return this.#topicField;
    this.#topic = topic;
    this.#topicField = textField(1, topic);
    return this.#topicField;
  }
}

const noBytes = new Uint8Array(0);

function encodeHeader(header: OutgoingMessage["header"]): Uint8Array {
  const entries = Object.entries(header);
  if (entries.length === 0) return noBytes;
  return joinBytes(entries.map(([key, value]) => bytesField(1, joinBytes([textField(1, key), textField(2, value)]))));
}

// Below, the caller gives what the method takes, as each use in this folder shows.

/** Types of `Broker.PublishBatch`. */
export const publishTypes: NonNullable<CallOptions["types"]> = {
  input: createBinaryType("PublishBatchRequest", { encode: (batch) => joinBytes((batch as OutgoingBatch).pieces) }),
  output: createBinaryType("Empty", { decode: () => ({}) }),
};

/** Types of `Broker.SubscribeBatch`. */
export const subscribeTypes: NonNullable<CallOptions["types"]> = {
  input: createBinaryType("SubscribeRequest", { encode: (request) => encodeSubscribe(request as SubscribeRequest) }),
  output: createBinaryType("MessageBatch", { decode: decodeDelivery }),
};

function encodeSubscribe({ topic, queue }: SubscribeRequest): Uint8Array {
  return joinBytes([textField(1, topic), textField(2, queue)]);
}

function decodeDelivery(bytes: Uint8Array): Delivery {
  const messages: ReceivedMessage[] = [];
  let dropped = 0;
  for (const fields = new ProtoFields(bytes); fields.next();) {
    if (fields.number === 1) messages.push(new WireMessage(bytes, fields.start, fields.end));
    else if (fields.number === 2) dropped = fields.integer();
  }
  return { messages, dropped };
}

function textField(number: number, text: string): Uint8Array {
  return bytesField(number, new TextEncoder().encode(text));
}
