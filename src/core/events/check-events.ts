import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { requireName } from "#base/name.ts";
import type { BatchNumber, NewEvent, Retention, TopicKey } from "#interface/events.ts";
import { redriveGroupKey } from "./reserved-metadata.ts";

const encoder = new TextEncoder();

/** @throws MicroError `invalid_argument` for a bad name. */
export function requireTopic({ namespace, topic }: TopicKey): TopicKey {
  requireName("namespace", namespace);
  requireName("topic", topic);
  return { namespace, topic };
}

/** @throws MicroError `invalid_argument` for what is no whole number from 0 on. */
export function requireCount(what: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new MicroError("invalid_argument", `${what} is ${value}; it is a whole number from 0 on`);
}

/** @throws MicroError `invalid_argument` or `payload_too_large` that says which event of the batch is wrong. */
export function checkNewEvents(namespace: string, events: readonly NewEvent[]): void {
  if (events.length === 0) throw new MicroError("invalid_argument", "there is no event to publish");
  if (events.length > limits.eventBatchCountMax) {
    throw tooLarge(`${events.length} events are one batch`, `${limits.eventBatchCountMax}`);
  }
  let checkedTopic: string | undefined;
  let bytes = 0;
  for (const event of events) {
    // Most batches are for one topic.
    if (event.topic !== checkedTopic) requireTopic({ namespace, topic: event.topic });
    checkedTopic = event.topic;
    checkEvent(event);
    bytes += event.payload.byteLength;
  }
  if (bytes > limits.messageBytesMax) throw tooLarge(`${bytes} bytes are one batch`, `${limits.messageBytesMax}`);
}

/** @throws MicroError `invalid_argument` */
export function checkBatchNumber({ publisher, number }: BatchNumber): void {
  const lengthMax = limits.eventPublisherIdLengthMax;
  if (publisher === "" || publisher.length > lengthMax || !publisher.isWellFormed()) {
    throw new MicroError("invalid_argument", `the id of a publisher has 1 to ${lengthMax} characters`);
  }
  if (Number.isSafeInteger(number) && number > 0) return;
  throw new MicroError("invalid_argument", `the number of a batch is a whole number from 1 on, not ${number}`);
}

/** @throws MicroError `invalid_argument` */
export function checkRetention({ ageMs, bytes, count }: Retention): void {
  for (const [what, value] of Object.entries({ age: ageMs, bytes, count })) {
    if (value !== undefined && requireCount(`retention by ${what}`, value) === 0) {
      throw new MicroError("invalid_argument", `retention by ${what} is 0; leave it out for no limit`);
    }
  }
}

function checkEvent({ id, payload, metadata, timestampMs }: NewEvent): void {
  if (id !== undefined && (id === "" || id.length > limits.eventIdLengthMax || !id.isWellFormed())) {
    throw new MicroError("invalid_argument", `an event id has 1 to ${limits.eventIdLengthMax} characters`);
  }
  if (payload.byteLength > limits.eventBytesMax) {
    throw tooLarge(`the payload has ${payload.byteLength} bytes`, `${limits.eventBytesMax}; bigger things are blobs`);
  }
  if (timestampMs !== undefined) requireCount("timestamp", timestampMs);
  if (metadata !== undefined) checkMetadata(metadata);
}

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  if (Object.hasOwn(metadata, redriveGroupKey)) {
    throw new MicroError("invalid_argument", `metadata key ${redriveGroupKey} is the server's own`);
  }
  const text = JSON.stringify(metadata);
  // A character takes at most three bytes, six where JSON escapes it, which `text` has done.
  if (text.length * 3 <= limits.eventMetadataBytesMax) return;
  const { byteLength } = encoder.encode(text);
  if (byteLength > limits.eventMetadataBytesMax) {
    throw tooLarge(`the metadata has ${byteLength} bytes as JSON`, `${limits.eventMetadataBytesMax}`);
  }
}

function tooLarge(what: string, limit: string): MicroError {
  return new MicroError("payload_too_large", `${what}, above the limit of ${limit}`);
}
