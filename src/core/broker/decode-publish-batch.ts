import { LastRead } from "#rpc/last-read.ts";
import { ProtoFields, readText, readTextMap } from "#rpc/proto-fields.ts";

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
 * topic or a header that is byte for byte that of the message before is not read again, and is the same object.
 *
 * @throws MicroError `invalid_argument` for bytes that are no such message.
 */
export function decodePublishBatch(bytes: Uint8Array): PublishBatch {
  const topics = new LastRead(bytes, (start, end) => readText(bytes, start, end));
  const headers = new LastRead(bytes, (start, end) => readTextMap(new ProtoFields(bytes, start, end), 1));
  const messages: PublishItem[] = [];
  for (const batch = new ProtoFields(bytes); batch.next();) {
    if (batch.number !== 1) continue;
    let topic = "";
    let message: PublishedMessage | undefined;
    for (const item = batch.nested(); item.next();) {
      if (item.number === 1) topic = topics.read(item.start, item.end);
      else if (item.number === 2) message = decodeMessage(item, headers);
    }
    messages.push({ topic, message });
  }
  return { messages };
}

function decodeMessage(item: ProtoFields, headers: LastRead<Record<string, string>>): PublishedMessage {
  let body: Uint8Array = noBytes;
  let headerEnd = item.start;
  for (const fields = item.nested(); fields.next();) {
    if (fields.number === 2) body = fields.bytes();
    else if (fields.number === 1) headerEnd = fields.end;
  }
  return { header: headers.read(item.start, headerEnd), body };
}
