import { MicroError } from "#base/error.ts";
import type { MessageType } from "./method.ts";
import type { Encoding } from "./server-call.ts";

const utf8Decoder = new TextDecoder("utf-8", { fatal: true });
const utf8Encoder = new TextEncoder();

/**
 * Bytes as a message. An empty JSON body and `null` are the message without fields, as Micro's clients send it.
 *
 * @throws MicroError `invalid_argument` for bytes that are no such message, `unsupported_media_type` where the type has
 * no protobuf encoding.
 */
export function decodeMessage<T>(type: MessageType<T>, bytes: Uint8Array, encoding: Encoding): T {
  if (encoding === "json") return type.fromJson(bytes.byteLength === 0 ? {} : (parseJson(bytes) ?? {}));
  return requireBinary(type).decode(bytes);
}

/** A message as bytes. @throws MicroError `unsupported_media_type` where the type has no protobuf encoding. */
export function encodeMessage<T>(type: MessageType<T>, message: T, encoding: Encoding): Uint8Array {
  if (encoding === "json") return utf8Encoder.encode(JSON.stringify(type.toJson(message)));
  return requireBinary(type).encode(message);
}

function requireBinary<T>(type: MessageType<T>): NonNullable<MessageType<T>["binary"]> {
  if (type.binary !== undefined) return type.binary;
  throw new MicroError("unsupported_media_type", `${type.name} speaks JSON only`);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8Decoder.decode(bytes)) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MicroError("invalid_argument", `the message is not JSON: ${reason}`, { cause });
  }
}
