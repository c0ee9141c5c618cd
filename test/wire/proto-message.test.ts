import {
  equals,
  fromJson,
  toJson,
  type DescFile,
  type DescMessage,
  type JsonValue,
  type Message,
} from "@bufbuild/protobuf";
import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { file_auth_auth } from "#gen/auth/auth_pb.ts";
import { file_broker_broker } from "#gen/broker/broker_pb.ts";
import { file_config_config } from "#gen/config/config_pb.ts";
import { file_error } from "#gen/error_pb.ts";
import { file_events_events } from "#gen/events/events_pb.ts";
import { file_registry_registry } from "#gen/registry/registry_pb.ts";
import { file_runtime_runtime } from "#gen/runtime/runtime_pb.ts";
import { file_store_store } from "#gen/store/store_pb.ts";
import { protoMessage, type ProtoMessageType } from "#rpc/proto-message.ts";
import { allKinds } from "./all-kinds.ts";
import { messageArbitrary } from "./message-arbitrary.ts";

const files: readonly DescFile[] = [
  file_auth_auth,
  file_broker_broker,
  file_config_config,
  file_error,
  file_events_events,
  file_registry_registry,
  file_runtime_runtime,
  file_store_store,
];
const contract: readonly DescMessage[] = files.flatMap((file) => file.messages);
const kinds = allKinds();

/** What a peer may send: JSON with names of the message's own fields, or of none. */
function jsonArbitrary(desc: DescMessage): fc.Arbitrary<unknown> {
  const names = desc.fields.flatMap((field) => [field.name, field.jsonName]);
  const key = names.length === 0 ? fc.string() : fc.oneof(fc.constantFrom(...names), fc.string());
  const scalar = fc.oneof(
    fc.constantFrom("1", "true", "NaN", "\ud800", "AA==", -0, 1.5, 1e300, 2 ** 64, null),
    fc.jsonValue(),
  );
  const value = fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 2 }),
    fc.dictionary(fc.constantFrom("1", "true", "__proto__", "a"), scalar),
  );
  return fc.oneof(
    fc.jsonValue(),
    fc.array(fc.tuple(key, value)).map((pairs) => Object.fromEntries(pairs)),
  );
}

function expectOnlyMicroError(run: () => void): void {
  try {
    run();
  } catch (reason) {
    if (!MicroError.is(reason)) throw reason;
    expect(reason.code).toBe("invalid_argument");
    expect(reason.detail).not.toContain("\n");
  }
}

function expectRoundTrip(desc: DescMessage, type: ProtoMessageType<DescMessage>, runCount: number): void {
  fc.assert(
    fc.property(messageArbitrary(desc), (message: Message) => {
      const json = JSON.parse(JSON.stringify(type.toJson(message))) as JsonValue;
      expect(equals(desc, type.fromJson(json), message)).toBe(true);
      expect(equals(desc, type.binary.decode(type.binary.encode(message)), message)).toBe(true);
    }),
    { numRuns: runCount },
  );
}

describe("protoMessage()", () => {
  it("gives back every message of the contract, by JSON and by protobuf", () => {
    for (const desc of contract) expectRoundTrip(desc, protoMessage(desc), 20);
  });

  it("gives back every kind of field, by JSON and by protobuf", () => {
    expectRoundTrip(kinds, protoMessage(kinds), 100);
  });

  it("writes JSON that another implementation of protobuf reads", () => {
    for (const desc of contract) {
      const type = protoMessage(desc);
      const same = (message: Message): void =>
        expect(equals(desc, fromJson(desc, type.toJson(message) as JsonValue), message)).toBe(true);
      fc.assert(fc.property(messageArbitrary(desc), same), { numRuns: 20 });
    }
  });

  it("reads JSON that another implementation of protobuf writes, with and without default values", () => {
    for (const desc of contract) {
      const type = protoMessage(desc);
      fc.assert(
        fc.property(messageArbitrary(desc), fc.boolean(), (message, alwaysEmitImplicit) => {
          expect(equals(desc, type.fromJson(toJson(desc, message, { alwaysEmitImplicit })), message)).toBe(true);
        }),
        { numRuns: 20 },
      );
    }
  });

  it("refuses bad JSON with invalid_argument and nothing else, and can write what it takes", () => {
    for (const [desc, numRuns] of [...contract.map((each) => [each, 30] as const), [kinds, 2_000] as const]) {
      const type = protoMessage(desc);
      const run = (json: unknown): void => {
        expectOnlyMicroError(() => {
          const message = type.fromJson(json);
          type.toJson(message);
          const decoded = type.binary.decode(type.binary.encode(message));
          expect(type.toJson(decoded)).toEqual(type.toJson(message));
        });
      };
      fc.assert(fc.property(jsonArbitrary(desc), run), { numRuns });
    }
  });

  it("replaces half of a surrogate pair, which protobuf cannot carry, by U+FFFD", () => {
    const type = protoMessage(kinds);
    for (const json of [{ one_string: "\ud800" }, { one_struct: { a: "\ud800" } }, { one_value: ["\ud800"] }]) {
      const message = type.binary.decode(type.binary.encode(type.fromJson(json)));
      expect(type.toJson(message)).toMatchObject(JSON.parse(JSON.stringify(json).replace("\\ud800", "\ufffd")));
    }
  });

  it("refuses bad bytes with invalid_argument and nothing else", () => {
    for (const desc of [...contract, kinds]) {
      const { binary } = protoMessage(desc);
      const run = (bytes: Uint8Array): void => expectOnlyMicroError(() => void binary.decode(bytes));
      fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), run), { numRuns: 30 });
    }
  });
});
