import { MicroError } from "#base/error.ts";
import type { MessageType } from "#rpc/method.ts";

type Binary = NonNullable<MessageType<unknown>["binary"]>;

/**
 * A message that a client writes or reads by hand, in protobuf and in one direction only: `encode` of what it asks,
 * `decode` of what it is answered.
 */
export function createBinaryType(name: string, binary: Partial<Binary>): MessageType<unknown> {
  const unsupported = (): never => {
    throw new MicroError("internal", `a client does not do this with ${name}`);
  };
  return {
    name,
    value: { name, type: name, values: [] },
    fromJson: unsupported,
    toJson: unsupported,
    binary: { decode: unsupported, encode: unsupported, ...binary },
  };
}
