import { describe, expect, it } from "bun:test";
import { z } from "zod";
import type { Value } from "#interface/registry.ts";
import { schemaToValue } from "./schema-value.ts";

/** `name:type` of the fields, which is what the tests are about. */
function fields(value: Value): Record<string, string> {
  return Object.fromEntries(value.values.map((each) => [each.name, each.type]));
}

describe("schemaToValue()", () => {
  it("names scalars as the wire contract does", () => {
    const schema = z.object({
      text: z.string(),
      mail: z.email(),
      number: z.number(),
      integer: z.int(),
      checked: z.number().int(),
      small: z.int32(),
      unsigned: z.uint32(),
      single: z.float32(),
      big: z.bigint(),
      bigUnsigned: z.uint64(),
      flag: z.boolean(),
      date: z.date(),
      color: z.enum(["red", "green"]),
      fixed: z.literal("a"),
      bytes: z.instanceof(Uint8Array),
    });
    expect(fields(schemaToValue(schema, "Request", "input"))).toEqual({
      text: "string",
      mail: "string",
      number: "float64",
      integer: "int64",
      checked: "int64",
      small: "int32",
      unsigned: "uint32",
      single: "float32",
      big: "int64",
      bigUnsigned: "uint64",
      flag: "bool",
      date: "string",
      color: "string",
      fixed: "string",
      bytes: "[]uint8",
    });
  });

  it("looks through optional, default, nullable, readonly, lazy, refinements and pipes", () => {
    const schema = z.object({
      optional: z.string().optional(),
      default: z.int().default(3),
      nullable: z.boolean().nullable(),
      both: z.string().nullish().readonly(),
      lazy: z.lazy(() => z.number()),
      refined: z.string().refine((text) => text !== ""),
      mapped: z.string().transform((text) => text.length),
      prepared: z.preprocess((value) => value, z.boolean()),
    });
    expect(fields(schemaToValue(schema, "Request", "input"))).toEqual({
      optional: "string",
      default: "int64",
      nullable: "bool",
      both: "string",
      lazy: "float64",
      refined: "string",
      mapped: "string",
      prepared: "bool",
    });
  });

  it("writes lists and maps with the type of their element", () => {
    const schema = z.object({
      list: z.array(z.string()),
      nested: z.array(z.array(z.int())),
      map: z.record(z.string(), z.boolean()),
      people: z.array(z.object({ name: z.string() })),
      named: z.array(z.object({ name: z.string() }).meta({ id: "Person" })),
    });
    const value = schemaToValue(schema, "Request", "input");
    expect(fields(value)).toEqual({
      list: "[]string",
      nested: "[][]int64",
      map: "map[string]bool",
      people: "[]People",
      named: "[]Person",
    });
    expect(value.values.every((each) => each.values.length === 0)).toBe(true);
  });

  it("gives nested messages their fields", () => {
    const schema = z.object({ home_address: z.object({ street: z.string() }).optional() });
    expect(schemaToValue(schema, "Request", "input")).toEqual({
      name: "Request",
      type: "Request",
      values: [{ name: "home_address", type: "HomeAddress", values: [{ name: "street", type: "string", values: [] }] }],
    });
  });

  it("calls what it cannot name any", () => {
    const schema = z.object({ either: z.union([z.string(), z.number()]), whatever: z.unknown() });
    expect(fields(schemaToValue(schema, "Request", "input"))).toEqual({ either: "any", whatever: "any" });
  });

  it("cuts a schema that contains itself at depth 6", () => {
    const node: z.ZodType = z.object({ name: z.string(), next: z.lazy(() => node) });
    let depth = 0;
    for (let value: Value | undefined = schemaToValue(node, "Node", "input"); value !== undefined; depth += 1) {
      value = value.values.find((each) => each.name === "next");
    }
    expect(depth).toBe(6);
  });
});
