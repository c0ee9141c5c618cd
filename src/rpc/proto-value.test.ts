import { StructSchema, file_google_protobuf_struct } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "bun:test";
import { AccountSchema, RuleSchema } from "#gen/auth/auth_pb.ts";
import { ServiceSchema } from "#gen/registry/registry_pb.ts";
import { RecordSchema } from "#gen/store/store_pb.ts";
import type { Value } from "#interface/registry.ts";
import { protoValue } from "./proto-value.ts";

const leaf = (name: string, type: string): Value => ({ name, type, values: [] });

describe("protoValue()", () => {
  it("gives the tree of registry.Service", () => {
    expect(protoValue(ServiceSchema)).toEqual({
      name: "Service",
      type: "Service",
      values: [
        leaf("name", "string"),
        leaf("version", "string"),
        leaf("metadata", "map[string]string"),
        leaf("endpoints", "[]Endpoint"),
        leaf("nodes", "[]Node"),
        { name: "options", type: "Options", values: [leaf("ttl", "int64"), leaf("domain", "string")] },
      ],
    });
  });

  it("gives the tree of auth.Account", () => {
    expect(protoValue(AccountSchema)).toEqual({
      name: "Account",
      type: "Account",
      values: [
        leaf("id", "string"),
        leaf("type", "string"),
        leaf("metadata", "map[string]string"),
        leaf("scopes", "[]string"),
        leaf("issuer", "string"),
        leaf("secret", "string"),
        leaf("name", "string"),
      ],
    });
  });

  it("names enums, bytes and messages in maps by their type", () => {
    const typeOf = (tree: Value, name: string): string | undefined =>
      tree.values.find((each) => each.name === name)?.type;
    expect(typeOf(protoValue(RuleSchema), "access")).toBe("Access");
    expect(typeOf(protoValue(RecordSchema), "value")).toBe("[]uint8");
    expect(typeOf(protoValue(RecordSchema), "metadata")).toBe("map[string]Field");
  });

  it("takes a type with a JSON form of its own as one value", () => {
    expect(protoValue(StructSchema)).toEqual(leaf("Struct", "Struct"));
    const value = file_google_protobuf_struct.messages.find((message) => message.name === "Value");
    expect(value === undefined ? undefined : protoValue(value)).toEqual(leaf("Value", "Value"));
  });
});
