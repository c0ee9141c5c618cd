import { MicroError } from "#base/error.ts";
import { PublishBatchRequestSchema, PublishBatchResponseSchema } from "#gen/events/events_pb.ts";
import type { NewEvent, PublishedEvent } from "#interface/events.ts";
import type { MessageType } from "#rpc/method.ts";
import {
  integerField,
  lengthFieldSize,
  ProtoFields,
  varintSize,
  writeBytes,
  writeLengthHead,
  writeVarint,
} from "#rpc/proto-fields.ts";
import { protoMessage } from "#rpc/proto-message.ts";
import { setOwn } from "#rpc/set-own.ts";
import { requireTopicName, toNewEvent, toPublishResponse } from "./events-wire.ts";

/**
 * The messages of `Stream.PublishBatch`, read and written by hand: a publisher sends tens of thousands of events a second,
 * of which the library makes an object each, and then a second one is made of that.
 */

const request = protoMessage(PublishBatchRequestSchema);
const response = protoMessage(PublishBatchResponseSchema);

/** Reads the events of a request. */
export const publishBatchInput: MessageType<readonly NewEvent[]> = {
  name: request.name,
  value: request.value,
  fromJson: (json) => request.fromJson(json).events.map(toNewEvent),
  toJson: unsupported,
  binary: { decode: decodeBatch, encode: unsupported },
};

/** Writes where they went. */
export const publishBatchOutput: MessageType<readonly PublishedEvent[]> = {
  name: response.name,
  value: response.value,
  fromJson: unsupported,
  toJson: (published) => response.toJson({ events: published.map(toPublishResponse) }),
  binary: { decode: unsupported, encode: encodeAnswer },
};

/** @throws MicroError `invalid_argument` for bytes that are no such message, and for an event without a topic. */
function decodeBatch(bytes: Uint8Array): readonly NewEvent[] {
  const events: NewEvent[] = [];
  for (const fields = new ProtoFields(bytes); fields.next();) {
    if (fields.number === 1) events.push(decodeEvent(fields.nested()));
  }
  return events;
}

function decodeEvent(fields: ProtoFields): NewEvent {
  let topic = "";
  let id = "";
  let payload: Uint8Array = noBytes;
  let metadata: Record<string, string> | undefined;
  let seconds = 0;
  let timestampMs = 0;
  while (fields.next()) {
    if (fields.number === 1) topic = fields.text();
    else if (fields.number === 2) addEntry((metadata ??= {}), fields.nested());
    else if (fields.number === 3) payload = fields.bytes();
    else if (fields.number === 4) seconds = fields.integer();
    else if (fields.number === 100) id = fields.text();
    else if (fields.number === 101) timestampMs = fields.integer();
  }
  if (timestampMs === 0) timestampMs = seconds * 1_000;
  return {
    topic: requireTopicName(topic),
    payload,
    ...(metadata !== undefined && { metadata }),
    ...(id !== "" && { id }),
    ...(timestampMs !== 0 && { timestampMs }),
  };
}

const noBytes = new Uint8Array(0);

function addEntry(metadata: Record<string, string>, entry: ProtoFields): void {
  let key = "";
  let value = "";
  while (entry.next()) {
    if (entry.number === 1) key = entry.text();
    else if (entry.number === 2) value = entry.text();
  }
  setOwn(metadata, key, value);
}

function encodeAnswer(published: readonly PublishedEvent[]): Uint8Array {
  const encoder = new TextEncoder();
  const all = published.map(({ id, sequence, isDuplicate }) => {
    const idBytes = encoder.encode(id);
    const duplicate = integerField(102, isDuplicate ? 1 : 0);
    const byteCount =
      lengthFieldSize(100, idBytes.byteLength) + sequenceTagBytes + varintSize(sequence) + duplicate.byteLength;
    return { idBytes, sequence, duplicate, byteCount };
  });
  const answer = new Uint8Array(all.reduce((sum, each) => sum + lengthFieldSize(1, each.byteCount), 0));
  let at = 0;
  for (const { idBytes, sequence, duplicate, byteCount } of all) {
    at = writeLengthHead(answer, at, 1, byteCount);
    at = writeBytes(answer, at, 100, idBytes);
    at = writeVarint(answer, writeVarint(answer, at, sequenceTag), sequence);
    answer.set(duplicate, at);
    at += duplicate.byteLength;
  }
  return answer;
}

/** Field 101, a varint. */
const sequenceTag = 101 * 8;
const sequenceTagBytes = varintSize(sequenceTag);

/** A server reads requests and writes answers. */
function unsupported(): never {
  throw new MicroError("internal", "the server of events does not do this");
}
