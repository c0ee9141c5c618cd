import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";

/** Flag of the last envelope of a stream, which says how the call ended. */
export const endStreamFlag = 2;

const headBytes = 5;

/** A message with its envelope: one byte of flags, four of length, the message. https://connectrpc.com/docs/protocol */
export function encodeEnvelope(message: Uint8Array, flags = 0): Uint8Array {
  const bytes = new Uint8Array(headBytes + message.length);
  bytes[0] = flags;
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, headBytes);
  return bytes;
}

export interface Envelope {
  readonly flags: number;
  readonly message: Uint8Array;
}

/**
 * Takes a stream of bytes apart into its messages, however they were cut on the way.
 *
 * @throws MicroError `bad_gateway` when it ends inside a message or one is above the limit.
 */
export async function* decodeEnvelopes(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Envelope> {
  let waiting: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    let offset = 0;
    while (waiting.length - offset >= headBytes) {
      const length = new DataView(waiting.buffer, waiting.byteOffset + offset).getUint32(1);
      if (length > limits.messageBytesMax)
        throw new MicroError("bad_gateway", `a message of ${length} bytes is too large`);
      if (waiting.length - offset - headBytes < length) break;
      const start = offset + headBytes;
      yield { flags: waiting[offset] ?? 0, message: waiting.slice(start, start + length) };
      offset = start + length;
    }
    waiting = waiting.subarray(offset);
  }
  if (waiting.length > 0) throw new MicroError("bad_gateway", "the answer ended inside a message");
}
