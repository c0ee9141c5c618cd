import { describe, expect, it } from "bun:test";
import { Access, AccountSchema, RuleSchema, TokenRequestSchema } from "#gen/auth/auth_pb.ts";
import { GetRequestSchema, ResultSchema, ServiceSchema } from "#gen/registry/registry_pb.ts";
import { CreateRequestSchema, ResourcesSchema } from "#gen/runtime/runtime_pb.ts";
import { BatchRequestSchema, ReadRequestSchema, RecordSchema, WriteRequestSchema } from "#gen/store/store_pb.ts";
import { MicroError } from "#base/error.ts";
import { protoMessage } from "./proto-message.ts";

const readRequest = protoMessage(ReadRequestSchema);
const record = protoMessage(RecordSchema);
const rule = protoMessage(RuleSchema);
const account = protoMessage(AccountSchema);

function faultOf(run: () => unknown): string {
  try {
    run();
  } catch (reason) {
    if (MicroError.is(reason)) return `${reason.code} ${reason.detail}`;
    throw reason;
  }
  return "no fault";
}

describe("protoMessage().toJson()", () => {
  it("writes default values, names as in the .proto, 64-bit integers as strings, enums by name", () => {
    expect(protoMessage(TokenRequestSchema).toJson({ tokenExpiry: 60n })).toEqual({
      id: "",
      secret: "",
      refresh_token: "",
      token_expiry: "60",
      options: null,
    });
    expect(rule.toJson({ access: Access.GRANTED, priority: -1 })).toEqual({
      id: "",
      scope: "",
      resource: null,
      access: "GRANTED",
      priority: -1,
    });
    expect(protoMessage(ResourcesSchema).toJson({})).toEqual({ Memory: 0, CPU: 0, EphemeralStorage: 0 });
  });

  it("writes bytes as base64, empty bytes and unset messages as null, empty lists and maps as such", () => {
    expect(record.toJson({ value: new Uint8Array([251, 255]) })).toMatchObject({ value: "+/8=", metadata: {} });
    expect(record.toJson({})).toMatchObject({ value: null });
    expect(protoMessage(ServiceSchema).toJson({})).toMatchObject({ endpoints: [], nodes: [], options: null });
  });

  it("leaves out an optional scalar that is not set, and cases of a oneof that are not chosen", () => {
    expect(protoMessage(WriteRequestSchema).toJson({})).toEqual({ record: null, options: null });
    expect(protoMessage(WriteRequestSchema).toJson({ expectedRevision: 0n })).toMatchObject({ expected_revision: "0" });
    const operations = [{ action: { case: "delete" as const, value: "" } }];
    expect(protoMessage(BatchRequestSchema).toJson({ operations })).toMatchObject({ operations: [{ delete: "" }] });
  });

  it("writes an enum value that it does not know as its number", () => {
    expect(rule.toJson(rule.binary.decode(new Uint8Array([0x20, 9])))).toMatchObject({ access: 9 });
  });

  it("calls a message that a handler built wrongly an internal error", () => {
    const wrong = { priority: "high" } as unknown as { priority: number };
    expect(faultOf(() => rule.binary.encode(wrong))).toStartWith("internal auth.Rule cannot be written: ");
  });
});

describe("protoMessage().fromJson()", () => {
  it("takes nothing, null and an empty object for the empty message", () => {
    for (const json of [undefined, null, {}]) expect(readRequest.fromJson(json)).toMatchObject({ key: "" });
  });

  it("takes both names of a field and ignores those that it does not know", () => {
    const token = protoMessage(TokenRequestSchema);
    expect(token.fromJson({ refreshToken: "a", none: [1] }).refreshToken).toBe("a");
    expect(token.fromJson({ refresh_token: "a", toString: 1 }).refreshToken).toBe("a");
  });

  it("takes scalars in another form", () => {
    expect(
      readRequest.fromJson({ key: 12, options: { limit: "3", offset: 4, prefix: "true", suffix: 1, table: true } }),
    ).toMatchObject({ key: "12", options: { limit: 3n, offset: 4n, prefix: true, suffix: true, table: "true" } });
    expect(rule.fromJson({ priority: "-7", access: 2 })).toMatchObject({ priority: -7, access: Access.DENIED });
    expect(rule.fromJson({ priority: "1e3", access: "GRANTED" })).toMatchObject({
      priority: 1000,
      access: Access.GRANTED,
    });
    expect(record.fromJson({ expiry: "9223372036854775807" }).expiry).toBe(9223372036854775807n);
  });

  it("takes base64 in either alphabet, with or without padding", () => {
    for (const value of ["+/8=", "+/8", "-_8=", "-_8"]) {
      expect(record.fromJson({ value }).value).toEqual(new Uint8Array([251, 255]));
    }
  });

  it("takes one value where a list is wanted", () => {
    expect(account.fromJson({ scopes: "admin" }).scopes).toEqual(["admin"]);
    expect(protoMessage(ServiceSchema).fromJson({ nodes: { id: "a" } }).nodes).toMatchObject([{ id: "a" }]);
  });

  it("keeps keys of a map that mean something to JavaScript", () => {
    const { metadata } = account.fromJson(JSON.parse('{"metadata":{"__proto__":"a","constructor":"b"}}'));
    expect(Object.entries(metadata)).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
    expect(JSON.stringify(account.toJson({ metadata }))).toContain('{"__proto__":"a","constructor":"b"}');
  });

  it("names the field that is wrong, what it holds and what is wanted", () => {
    const faults: readonly (readonly [() => unknown, string])[] = [
      [() => readRequest.fromJson({ options: { limit: "abc" } }), 'options.limit: "abc" is not a uint64'],
      [() => readRequest.fromJson({ options: { limit: -1 } }), "options.limit: -1 is not a uint64"],
      [() => readRequest.fromJson({ options: { limit: 1.5 } }), "options.limit: 1.5 is not a uint64"],
      [() => readRequest.fromJson({ options: { limit: "" } }), 'options.limit: "" is not a uint64'],
      [() => readRequest.fromJson({ options: "x" }), 'options: "x" is not an object'],
      [() => readRequest.fromJson({ options: { prefix: "maybe" } }), 'options.prefix: "maybe" is not a bool'],
      [() => readRequest.fromJson({ key: { a: 1 } }), "key: an object is not a string"],
      [() => readRequest.fromJson([]), "store.ReadRequest: a list is not an object"],
      [() => record.fromJson({ value: "a*b" }), 'value: "a*b" is not base64'],
      [() => record.fromJson({ metadata: { a: 1 } }), "metadata.a: 1 is not an object"],
      [() => rule.fromJson({ priority: 2 ** 31 }), "priority: 2147483648 is not an int32"],
      [() => rule.fromJson({ access: "MAYBE" }), 'access: "MAYBE" is not one of UNKNOWN, GRANTED, DENIED'],
      [() => account.fromJson({ scopes: ["a", {}] }), "scopes[1]: an object is not a string"],
    ];
    for (const [run, detail] of faults) expect(faultOf(run)).toBe(`invalid_argument ${detail}`);
  });

  it("refuses what is nested too deep", () => {
    const open = '{"values":['.repeat(5_000);
    const json: unknown = JSON.parse(`{"service":{"endpoints":[{"request":${open}${"]}".repeat(5_000)}}]}}`);
    const fault = faultOf(() => protoMessage(ResultSchema).fromJson(json));
    expect(fault).toContain("is nested deeper than 200 levels");
    expect(fault.length).toBeLessThan(300);
  });
});

describe("protoMessage().binary", () => {
  it("reads what it writes", () => {
    const { binary } = protoMessage(CreateRequestSchema);
    const bytes = binary.encode({ resource: { service: { name: "a" } }, options: { env: ["A=1"] } });
    expect(binary.decode(bytes)).toMatchObject({ resource: { service: { name: "a" } }, options: { env: ["A=1"] } });
  });

  it("keeps fields that a newer peer sent", () => {
    const { binary } = protoMessage(GetRequestSchema);
    const newer = new Uint8Array([...binary.encode({ service: "a" }), 0xa2, 0x3e, 1, 65]);
    expect(binary.encode(binary.decode(newer))).toEqual(newer);
  });

  it("calls bytes that are no message an invalid argument", () => {
    const fault = faultOf(() => account.binary.decode(new Uint8Array([0x0a, 0xff])));
    expect(fault).toBe("invalid_argument auth.Account: the body is not such a message in protobuf");
  });
});
