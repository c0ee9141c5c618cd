import { MicroError } from "#base/error.ts";
import { joinBytes } from "#base/join-bytes.ts";
import { PublishBatchRequestSchema, PublishBatchResponseSchema } from "#gen/events/events_pb.ts";
import type { BatchNumber, NewEvent, PublishedEvent, PublishedRun } from "#interface/events.ts";
import type { MessageType } from "#rpc/method.ts";
import {
  bytesField,
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

/** What is to be published. */
export interface PublishBatch {
  readonly events: readonly NewEvent[];
  /** Absent: the publisher has no name, and what it sends again is published again. */
  readonly batch?: BatchNumber;
}

/** Where it went: each event, or, for a publisher with a name, in runs. */
export type PublishAnswer = { readonly events: readonly PublishedEvent[] } | { readonly runs: readonly PublishedRun[] };

/** Reads a request. */
export const publishBatchInput: MessageType<PublishBatch> = {
  name: request.name,
  value: request.value,
  fromJson: (json) => {
    const { events, publisher, number } = request.fromJson(json);
    let topic = "";
    const given = events.map((event) => {
      topic = event.topic || (publisher === "" ? "" : topic);
      return toNewEvent({ ...event, topic });
    });
    return toBatch(given, publisher, Number(number));
  },
  toJson: unsupported,
  binary: { decode: decodeBatch, encode: unsupported },
};

/** Writes the answer. */
export const publishBatchOutput: MessageType<PublishAnswer> = {
  name: response.name,
  value: response.value,
  fromJson: unsupported,
  toJson: (answer) =>
    response.toJson(
      "runs" in answer ? { runs: answer.runs.map(toRun) } : { events: answer.events.map(toPublishResponse) },
    ),
  binary: {
    decode: unsupported,
    encode: (answer) => ("runs" in answer ? encodeRuns(answer.runs) : encodeEvents(answer.events)),
  },
};

function toBatch(events: readonly NewEvent[], publisher: string, number: number): PublishBatch {
  return publisher === "" ? { events } : { events, batch: { publisher, number } };
}

type DecodedEvent = { topic: string } & Omit<NewEvent, "topic">;

/** @throws MicroError `invalid_argument` for bytes that are no such message, and for events without a topic. */
function decodeBatch(bytes: Uint8Array): PublishBatch {
  const events: NewEvent[] = [];
  let topic = "";
  let isTopicLeftOut = false;
  let publisher = "";
  let number = 0;
  for (const fields = new ProtoFields(bytes); fields.next();) {
    if (fields.number === 1) {
      const event = decodeEvent(fields.nested());
      if (event.topic === "") {
        event.topic = requireTopicName(topic);
        isTopicLeftOut = true;
      }
      topic = event.topic;
      events.push(event);
    } else if (fields.number === 100) publisher = fields.text();
    else if (fields.number === 101) number = fields.integer();
  }
  if (publisher === "" && isTopicLeftOut) requireTopicName("");
  return toBatch(events, publisher, number);
}

function decodeEvent(fields: ProtoFields): DecodedEvent {
  let topic = "";
  let id = "";
  let payload: Uint8Array = noBytes;
  let metadata: Record<string, string> | undefined;
  let seconds = 0;
  let timestampMs = 0;
  while (fields.next()) {
    if (fields.number === 3) payload = fields.bytes();
    else if (fields.number === 1) topic = fields.text();
    else if (fields.number === 2) addEntry((metadata ??= {}), fields.nested());
    else if (fields.number === 4) seconds = fields.integer();
    else if (fields.number === 100) id = fields.text();
    else if (fields.number === 101) timestampMs = fields.integer();
  }
  if (timestampMs === 0) timestampMs = seconds * 1_000;
  // Most events are this and nothing else.
  if (metadata === undefined && id === "" && timestampMs === 0) return { topic, payload };
  return {
    topic,
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

function toRun({ idPrefix, firstSequence, count, isDuplicate }: PublishedRun) {
  return { idPrefix, firstSequence: BigInt(firstSequence), count: BigInt(count), duplicate: isDuplicate };
}

function encodeRuns(runs: readonly PublishedRun[]): Uint8Array {
  const encoder = new TextEncoder();
  return joinBytes(
    runs.map(({ idPrefix, firstSequence, count, isDuplicate }) => {
      const fields = [integerField(2, firstSequence), integerField(3, count), integerField(4, isDuplicate ? 1 : 0)];
      if (idPrefix !== "") fields.unshift(bytesField(1, encoder.encode(idPrefix)));
      return bytesField(100, joinBytes(fields));
    }),
  );
}

function encodeEvents(published: readonly PublishedEvent[]): Uint8Array {
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
