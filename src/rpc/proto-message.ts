import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import type { JsonValue } from "#base/json.ts";
import type { Value } from "#interface/registry.ts";
import { JsonPath } from "./json-path.ts";
import { compileJsonReader } from "./proto-json-reader.ts";
import { compileJsonWriter } from "./proto-json-writer.ts";
import type { ReadValue, WriteValue } from "./proto-scalar.ts";
import { protoValue } from "./proto-value.ts";

/**
 * A message type that a .proto declares. It reads whole messages, and writes those as well as plain objects that only
 * say what differs from the defaults; so it serves as `MessageType` of either.
 */
export interface ProtoMessageType<D extends DescMessage> {
  /** With its package: `registry.Service`. */
  readonly name: string;
  readonly value: Value;
  /**
   * Reads a superset of the JSON form of protobuf; nothing at all (`null`, `undefined`) is the empty message.
   *
   * @throws MicroError `invalid_argument` such as `options.limit: "abc" is not an int64`.
   */
  fromJson(json: unknown): MessageShape<D>;
  /** @throws MicroError `internal` for a message that a handler built wrongly. */
  toJson(message: MessageInitShape<D>): JsonValue;
  readonly binary: {
    /** @throws MicroError `invalid_argument` for bytes that are not such a message. */
    decode(bytes: Uint8Array): MessageShape<D>;
    /** @throws MicroError `internal` for a message that a handler built wrongly. */
    encode(message: MessageInitShape<D>): Uint8Array;
  };
}

/**
 * Prepares a message type of a generated descriptor for both encodings. Call it once a type, not once a message: the
 * first JSON message that is read, and the first that is written, pay for a walk over the descriptor.
 */
export function protoMessage<D extends DescMessage>(schema: D): ProtoMessageType<D> {
  // A server has a hundred types and must start at once; most are never seen as JSON.
  let readJson: ReadValue | undefined;
  let writeJson: WriteValue | undefined;
  return {
    name: schema.typeName,
    value: protoValue(schema),
    fromJson: (json) =>
      readOr(schema, "JSON", () => {
        readJson ??= compileJsonReader(schema);
        // The reader was compiled from this schema.
        return readJson(json ?? {}, new JsonPath(schema.typeName)) as MessageShape<D>;
      }),
    toJson: (message) =>
      writeOr(schema, () => {
        writeJson ??= compileJsonWriter(schema);
        return writeJson(create(schema, message));
      }),
    binary: {
      decode: (bytes) => readOr(schema, "protobuf", () => fromBinary(schema, bytes)),
      encode: (message) => writeOr(schema, () => toBinary(schema, create(schema, message))),
    },
  };
}

function readOr<T>(schema: DescMessage, encoding: string, read: () => T): T {
  try {
    return read();
  } catch (reason) {
    const detail = `${schema.typeName}: the body is not such a message in ${encoding}`;
    throw MicroError.from(reason, { code: "invalid_argument", detail });
  }
}

function writeOr<T>(schema: DescMessage, write: () => T): T {
  try {
    return write();
  } catch (reason) {
    const text = reason instanceof Error ? reason.message : String(reason);
    throw MicroError.from(reason, { code: "internal", detail: `${schema.typeName} cannot be written: ${text}` });
  }
}
