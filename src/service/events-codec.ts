import { joinBytes } from "#base/join-bytes.ts";
import type { BatchNumber, PublishedRun } from "#interface/events.ts";
import {
  bytesField,
  integerField,
  lengthFieldSize,
  ProtoFields,
  writeBytes,
  writeLengthHead,
} from "#rpc/proto-fields.ts";
import { createBinaryType } from "./binary-type.ts";
import type { CallOptions } from "./caller.ts";
import type { OutgoingEvent } from "./events-payload.ts";

/**
 * `events.PublishBatchRequest` and its answer, written by hand: a publisher has tens of thousands of events a second, of
 * which the library makes an object each.
 */
export const publishTypes: NonNullable<CallOptions["types"]> = {
  // The publisher gives a batch and takes what became of it, and nobody else uses this.
  input: createBinaryType("PublishBatchRequest", { encode: (question) => encodeBatch(question as PublishQuestion) }),
  output: createBinaryType("PublishBatchResponse", { decode: decodeAnswer }),
};

/** A batch on its way. */
export interface PublishQuestion {
  readonly number: BatchNumber;
  readonly events: readonly { readonly event: OutgoingEvent }[];
}

/** Where the server put the events of a batch, in the same order. */
export type PublishAnswer = readonly PublishedRun[];

const encoder = new TextEncoder();
const noBytes = new Uint8Array(0);
/** Room for the tags and lengths of an event. */
const headBytesMax = 16;

function encodeBatch({ number, events }: PublishQuestion): Uint8Array {
  const tail = joinBytes([bytesField(100, encoder.encode(number.publisher)), integerField(101, number.number)]);
  const fronts: Uint8Array[] = [];
  let topic = "";
  let byteCountMax = tail.byteLength;
  for (const { event } of events) {
    const front = encodeFront(event, topic);
    topic = event.topic;
    fronts.push(front);
    byteCountMax += headBytesMax + front.byteLength + event.payload.byteLength;
  }
  const batch = new Uint8Array(byteCountMax);
  let at = 0;
  for (let index = 0; index < events.length; index += 1) {
    const payload = events[index]?.event.payload ?? noBytes;
    const front = fronts[index] ?? noBytes;
    at = writeLengthHead(batch, at, 1, front.byteLength + lengthFieldSize(3, payload.byteLength));
    if (front.byteLength > 0) batch.set(front, at);
    at = writeBytes(batch, at + front.byteLength, 3, payload);
  }
  batch.set(tail, at);
  return batch.subarray(0, at + tail.byteLength);
}

/** What an event has besides its payload; nothing for most. @param lastTopic that of the event before, which need not be said again */
function encodeFront({ topic, id, metadata, timestampMs }: OutgoingEvent, lastTopic: string): Uint8Array {
  if (topic === lastTopic && id === "" && metadata === undefined && timestampMs === 0) return noBytes;
  const fields = Object.entries(metadata ?? {}).map(([key, value]) => metadataField(key, value));
  if (topic !== lastTopic) fields.push(bytesField(1, encoder.encode(topic)));
  if (id !== "") fields.push(bytesField(100, encoder.encode(id)));
  fields.push(integerField(101, timestampMs));
  return joinBytes(fields);
}

function metadataField(key: string, value: string): Uint8Array {
  return bytesField(2, joinBytes([bytesField(1, encoder.encode(key)), bytesField(2, encoder.encode(value))]));
}

function decodeAnswer(bytes: Uint8Array): PublishAnswer {
  const runs: PublishedRun[] = [];
  for (const fields = new ProtoFields(bytes); fields.next();) {
    if (fields.number === 100) runs.push(decodeRun(fields.nested()));
  }
  return runs;
}

function decodeRun(fields: ProtoFields): PublishedRun {
  let idPrefix = "";
  let firstSequence = 0;
  let count = 0;
  let isDuplicate = false;
  while (fields.next()) {
    if (fields.number === 1) idPrefix = fields.text();
    else if (fields.number === 2) firstSequence = fields.integer();
    else if (fields.number === 3) count = fields.integer();
    else if (fields.number === 4) isDuplicate = fields.integer() !== 0;
  }
  return { idPrefix, firstSequence, count, isDuplicate };
}
