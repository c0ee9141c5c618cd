import { MicroError } from "#base/error.ts";
import { joinBytes } from "#base/join-bytes.ts";
import type { PublishedEvent } from "#interface/events.ts";
import type { MessageType } from "#rpc/method.ts";
import {
  bytesField,
  integerField,
  lengthFieldSize,
  ProtoFields,
  writeBytes,
  writeLengthHead,
} from "#rpc/proto-fields.ts";
import type { CallOptions } from "./caller.ts";
import type { OutgoingEvent } from "./events-payload.ts";

/**
 * `events.PublishBatchRequest` and its answer, written by hand: a publisher has tens of thousands of events a second, of
 * which the library makes an object each.
 */
export const publishTypes: NonNullable<CallOptions["types"]> = {
  // The publisher gives events and takes what became of them, and nobody else uses this.
  input: createType("PublishBatchRequest", { encode: (events) => encodeBatch(events as readonly OutgoingEvent[]) }),
  output: createType("PublishBatchResponse", { decode: decodeAnswer }),
};

/** Where the server put the events of a batch, in the same order; `id` is empty where the server did not say it. */
export type PublishAnswer = readonly PublishedEvent[];

const encoder = new TextEncoder();
const noBytes = new Uint8Array(0);

/** An event in parts, as they are written one after the other. */
interface Parts {
  readonly topicField: Uint8Array;
  readonly id: Uint8Array;
  readonly payload: Uint8Array;
  /** Metadata and time, which most events do not have. */
  readonly rest: Uint8Array;
  readonly byteCount: number;
}

function encodeBatch(events: readonly OutgoingEvent[]): Uint8Array {
  let topic = "";
  let topicField: Uint8Array = noBytes;
  let byteCount = 0;
  const all: Parts[] = [];
  for (const event of events) {
    if (event.topic !== topic) {
      topic = event.topic;
      topicField = bytesField(1, encoder.encode(topic));
    }
    const parts = toParts(event, topicField);
    byteCount += lengthFieldSize(1, parts.byteCount);
    all.push(parts);
  }
  const batch = new Uint8Array(byteCount);
  let at = 0;
  for (const parts of all) at = writeParts(batch, at, parts);
  return batch;
}

function toParts(event: OutgoingEvent, topicField: Uint8Array): Parts {
  const { payload } = event;
  const id = event.id === "" ? noBytes : encoder.encode(event.id);
  const rest = encodeRest(event);
  let byteCount = topicField.byteLength + rest.byteLength;
  if (payload.byteLength > 0) byteCount += lengthFieldSize(3, payload.byteLength);
  if (id.byteLength > 0) byteCount += lengthFieldSize(100, id.byteLength);
  return { topicField, id, payload, rest, byteCount };
}

function writeParts(batch: Uint8Array, start: number, { topicField, id, payload, rest, byteCount }: Parts): number {
  let at = writeLengthHead(batch, start, 1, byteCount);
  batch.set(topicField, at);
  at += topicField.byteLength;
  if (payload.byteLength > 0) at = writeBytes(batch, at, 3, payload);
  if (id.byteLength > 0) at = writeBytes(batch, at, 100, id);
  if (rest.byteLength > 0) batch.set(rest, at);
  return at + rest.byteLength;
}

function encodeRest({ metadata, timestampMs }: OutgoingEvent): Uint8Array {
  const entries = Object.entries(metadata);
  if (entries.length === 0 && timestampMs === 0) return noBytes;
  return joinBytes([...entries.map(([key, value]) => metadataField(key, value)), integerField(101, timestampMs)]);
}

function metadataField(key: string, value: string): Uint8Array {
  return bytesField(2, joinBytes([bytesField(1, encoder.encode(key)), bytesField(2, encoder.encode(value))]));
}

function decodeAnswer(bytes: Uint8Array): PublishAnswer {
  const published: PublishedEvent[] = [];
  for (const fields = new ProtoFields(bytes); fields.next();) {
    if (fields.number !== 1) continue;
    let id = "";
    let sequence = 0;
    let isDuplicate = false;
    for (const answer = fields.nested(); answer.next();) {
      if (answer.number === 100) id = answer.text();
      else if (answer.number === 101) sequence = answer.integer();
      else if (answer.number === 102) isDuplicate = answer.integer() !== 0;
    }
    published.push({ id, sequence, isDuplicate });
  }
  return published;
}

function createType(name: string, binary: Partial<NonNullable<MessageType<unknown>["binary"]>>): MessageType<unknown> {
  return {
    name,
    value: { name, type: name, values: [] },
    fromJson: unsupported,
    toJson: unsupported,
    binary: { decode: unsupported, encode: unsupported, ...binary },
  };
}

/** The client writes requests and reads answers, in protobuf. */
function unsupported(): never {
  throw new MicroError("internal", "the client of events does not do this");
}
