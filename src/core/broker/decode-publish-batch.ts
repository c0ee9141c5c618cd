import { ProtoFields } from "#rpc/proto-fields.ts";
import { setOwn } from "#rpc/set-own.ts";

/** What a caller asks to publish, as it came. */
export interface PublishItem {
  readonly topic: string;
  readonly message?: PublishedMessage | undefined;
}

export interface PublishedMessage {
  readonly header: Record<string, string>;
  /** May be a view of the request. */
  readonly body: Uint8Array;
}

export interface PublishBatch {
  readonly messages: readonly PublishItem[];
}

const noBytes = new Uint8Array(0);

/**
 * Reads a `broker.PublishBatchRequest`. A batch has thousands of small messages that differ in their bodies only, so a
 * header that is byte for byte that of the message before is not read again, and is the same object.
 *
 * @throws MicroError `invalid_argument` for bytes that are no such message.
 */
export function decodePublishBatch(bytes: Uint8Array): PublishBatch {
  const headers = new HeaderReader();
  const messages: PublishItem[] = [];
  for (const fields = new ProtoFields(bytes); fields.next();) {
    if (fields.number === 1) messages.push(decodeItem(fields.bytes(), headers));
  }
  return { messages };
}

function decodeItem(bytes: Uint8Array, headers: HeaderReader): PublishItem {
  let topic = "";
  let message: PublishedMessage | undefined;
  for (const fields = new ProtoFields(bytes); fields.next();) {
    if (fields.number === 1) topic = fields.text();
    else if (fields.number === 2) message = decodeMessage(fields.bytes(), headers);
  }
  return { topic, message };
}

function decodeMessage(bytes: Uint8Array, headers: HeaderReader): PublishedMessage {
  let body: Uint8Array = noBytes;
  let headerEnd = 0;
  for (const fields = new ProtoFields(bytes); fields.next();) {
    if (fields.number === 2) body = fields.bytes();
    else if (fields.number === 1) headerEnd = fields.end;
  }
  return { header: headers.read(bytes.subarray(0, headerEnd)), body };
}

/** Reads headers, and knows the last one. */
class HeaderReader {
  #bytes: Uint8Array = noBytes;
  #header: Record<string, string> = {};

  /** @param bytes of a message up to the end of its last entry */
  read(bytes: Uint8Array): Record<string, string> {
    if (!isSame(bytes, this.#bytes)) {
      this.#header = decodeHeader(bytes);
      this.#bytes = bytes;
    }
    return this.#header;
  }
}

function decodeHeader(bytes: Uint8Array): Record<string, string> {
  const header: Record<string, string> = {};
  for (const fields = new ProtoFields(bytes); fields.next();) {
    if (fields.number !== 1) continue;
    let key = "";
    let value = "";
    for (const entry = new ProtoFields(fields.bytes()); entry.next();) {
      if (entry.number === 1) key = entry.text();
      else if (entry.number === 2) value = entry.text();
    }
    setOwn(header, key, value);
  }
  return header;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  for (let at = 0; at < a.byteLength; at += 1) if (a[at] !== b[at]) return false;
  return true;
}
