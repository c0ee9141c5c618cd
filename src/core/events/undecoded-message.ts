import { MicroError } from "#base/error.ts";
import type { MessageType } from "#rpc/method.ts";

/** A message of a stream whose messages are of more than one type: which one it is depends on where it stands. */
export interface UndecodedMessage {
  /** @throws MicroError `invalid_argument` when it is none of this type. */
  as<T>(type: ReadableType<T>): T;
}

/** A message type as far as it is needed to read one. */
export interface ReadableType<T> extends Pick<MessageType<unknown>, "name" | "value"> {
  fromJson(json: unknown): T;
  readonly binary: { decode(bytes: Uint8Array): T };
}

/** The input of a method that decodes its messages itself. @param first what callers are told to send. */
export function undecodedMessage(first: ReadableType<unknown>): MessageType<UndecodedMessage> {
  const { name, value } = first;
  const refuse = (): never => {
    throw new MicroError("internal", `${name} is read here, not written`);
  };
  return {
    name,
    value,
    fromJson: (json) => ({ as: (type) => type.fromJson(json) }),
    toJson: refuse,
    binary: { decode: (bytes) => ({ as: (type) => type.binary.decode(bytes) }), encode: refuse },
  };
}
