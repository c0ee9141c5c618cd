import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Metadata } from "#base/metadata.ts";

/** What an event carries: text and bytes as they are, anything else as JSON. */
export type EventPayload = string | Uint8Array | object;

/** What may be said of an event when it is published. */
export interface PublishOptions {
  /**
   * An event with the id of an earlier one of the topic is not appended again. Give the id of what happened, such as
   * that of an order, and a program that runs twice publishes once.
   *
   * @default one that the server makes
   */
  readonly id?: string;
  /** Small facts beside the payload. */
  readonly metadata?: Metadata;
  /** When it happened. @default when it arrives */
  readonly timestamp?: Date;
}

/** An event, ready for the wire. */
export interface OutgoingEvent {
  readonly topic: string;
  /** Empty: the server makes one. */
  readonly id: string;
  readonly payload: Uint8Array;
  readonly metadata: Metadata | undefined;
  /** 0: when it arrives. */
  readonly timestampMs: number;
}

/**
 * Checks what the server would refuse, except the name of the topic, so that one bad event does not hold up those that travel with it.
 *
 * @throws MicroError `invalid_argument`, `payload_too_large`.
 */
export function toOutgoing(
  topic: string,
  payload: EventPayload,
  { id = "", metadata, timestamp }: PublishOptions,
): OutgoingEvent {
  if (id.length > limits.eventIdLengthMax) {
    throw new MicroError("invalid_argument", `the id of an event has at most ${limits.eventIdLengthMax} characters`);
  }
  if (timestamp !== undefined && !(timestamp.getTime() > 0)) {
    throw new MicroError("invalid_argument", "the timestamp of an event is a date after 1970-01-01");
  }
  const bytes = toBytes(payload);
  if (bytes.byteLength > limits.eventBytesMax) {
    const detail = `the payload of an event has at most ${limits.eventBytesMax} bytes, this one has ${bytes.byteLength}; keep it as a blob`;
    throw new MicroError("payload_too_large", detail);
  }
  return {
    topic,
    id,
    payload: bytes,
    metadata: metadata === undefined ? undefined : checkMetadata(metadata),
    timestampMs: timestamp?.getTime() ?? 0,
  };
}

const encoder = new TextEncoder();

function toBytes(payload: EventPayload): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  if (typeof payload === "string") return encoder.encode(payload);
  let json: string | undefined;
  try {
    // What cannot be written (a function, a symbol) gives undefined, which the declared type does not say.
    json = JSON.stringify(payload) as string | undefined;
  } catch (reason) {
    const detail = `the payload cannot be written as JSON: ${MicroError.from(reason).detail}`;
    throw new MicroError("invalid_argument", detail, { cause: reason });
  }
  if (json === undefined) throw new MicroError("invalid_argument", "the payload is text, bytes, or a value of JSON");
  return encoder.encode(json);
}

function checkMetadata(metadata: Metadata): Metadata {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value === "string") continue;
    throw new MicroError("invalid_argument", `metadata.${key} of an event is text, not ${typeof value}`);
  }
  const sizeBytes = encoder.encode(JSON.stringify(metadata)).byteLength;
  if (sizeBytes <= limits.eventMetadataBytesMax) return { ...metadata };
  const detail = `the metadata of an event has at most ${limits.eventMetadataBytesMax} bytes as JSON, this has ${sizeBytes}`;
  throw new MicroError("payload_too_large", detail);
}
