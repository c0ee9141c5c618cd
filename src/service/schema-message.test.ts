import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { z } from "zod";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { createSchemaMessage } from "./schema-message.ts";

function read(schema: z.ZodType, json: unknown): unknown {
  return createSchemaMessage(schema, "Request", "input").fromJson(json);
}

function refusal(schema: z.ZodType, json: unknown): string {
  try {
    read(schema, json);
  } catch (reason) {
    if (MicroError.is(reason) && reason.code === "invalid_argument") return reason.detail;
    throw reason;
  }
  throw new Error("it was accepted");
}

describe("createSchemaMessage().fromJson()", () => {
  it("drops keys that the schema does not name", () => {
    expect(read(z.object({ name: z.string() }), { name: "Jane", admin: true })).toEqual({ name: "Jane" });
  });

  it.each<[z.ZodType, unknown, unknown]>([
    [z.number(), "3", 3],
    [z.number(), "-1.5e3", -1500],
    [z.int(), "42", 42],
    [z.boolean(), "true", true],
    [z.boolean(), "FALSE", false],
    [z.string(), 3, "3"],
    [z.string(), true, "true"],
    [z.array(z.int()), "7", [7]],
    [z.array(z.string()), ["a", 2], ["a", "2"]],
    [z.bigint(), "9007199254740993", 9007199254740993n],
    [z.bigint(), 5, 5n],
    [z.literal(3), "3", 3],
    [z.enum(["1", "2"]), 2, "2"],
    [z.date(), "2026-01-31T00:00:00.000Z", new Date(Date.UTC(2026, 0, 31))],
    [z.record(z.string(), z.number()), { a: "1" }, { a: 1 }],
    [z.map(z.string(), z.int()), { a: "1" }, new Map([["a", 1]])],
    [z.set(z.int()), ["1", 2], new Set([1, 2])],
    [z.tuple([z.int(), z.string()]), ["1", 2], [1, "2"]],
    [z.union([z.int(), z.boolean()]), "true", true],
    [z.instanceof(Uint8Array), "aGk=", new Uint8Array([104, 105])],
    [z.object({ deep: z.object({ flag: z.boolean() }) }), { deep: { flag: "1" } }, { deep: { flag: true } }],
  ])("converts a scalar to the kind that the schema wants (case %#)", (schema, given, wanted) => {
    expect(read(z.object({ field: schema }), { field: given })).toEqual({ field: wanted });
  });

  it("leaves a value alone that an option of a union takes as it is", () => {
    expect(read(z.object({ id: z.union([z.string(), z.int()]) }), { id: "3" })).toEqual({ id: "3" });
  });

  it("takes null for a field that is not set, where null is no value of it", () => {
    const schema = z.object({ name: z.string().optional(), nick: z.string().nullable(), age: z.int().default(7) });
    expect(read(schema, { name: null, nick: null, age: null })).toEqual({ nick: null, age: 7 });
  });

  it("takes no body for an empty message", () => {
    expect(read(z.object({ name: z.string().default("you") }), null)).toEqual({ name: "you" });
    expect(read(z.object({}), undefined)).toEqual({});
  });

  it("names every bad field with what was expected and what came", () => {
    const schema = z.object({
      name: z.string(),
      age: z.int(),
      tags: z.array(z.object({ label: z.string() })),
      user: z.object({ mail: z.email() }),
    });
    const given = { name: {}, tags: [{ label: "a" }, { label: [] }], user: { mail: "nobody" } };
    expect(refusal(schema, given)).toBe(
      "name: expected string, got object; age: expected number, got nothing; " +
        "tags[1].label: expected string, got array; user.mail: invalid email address",
    );
    expect(refusal(schema, "text")).toBe("expected object, got string");
  });

  it("bounds the length of a refusal", () => {
    const schema = z.object(Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`f${at}`, z.string()])));
    expect(refusal(schema, {})).toEndWith("f7: expected string, got nothing; and 92 more");
    const key = "k".repeat(limits.errorDetailBytesMax);
    expect(refusal(z.record(z.string(), z.int()), { [key]: "x" }).length).toBeLessThanOrEqual(
      limits.errorDetailBytesMax,
    );
  });

  it("ends soon for a schema of unions that contain themselves", () => {
    const knot: z.ZodType = z.lazy(() =>
      z.union([z.object({ a: knot, kind: z.literal("x") }), z.object({ a: knot }), z.array(knot), z.int()]),
    );
    let json: unknown = "not a number";
    for (let depth = 0; depth < 60; depth += 1) json = { a: json };
    expect(() => read(knot, json)).toThrow(MicroError);
  });

  it("gives a message or a refusal for any JSON, never another failure", () => {
    const schema = z.object({
      text: z.string(),
      count: z.int().optional(),
      big: z.bigint().optional(),
      list: z.array(z.union([z.int(), z.object({ at: z.date() })])).default([]),
      map: z.record(z.string(), z.boolean()).optional(),
    });
    const message = createSchemaMessage(schema, "Request", "input");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.record(
            {
              text: fc.jsonValue(),
              count: fc.jsonValue(),
              big: fc.jsonValue(),
              list: fc.jsonValue(),
              map: fc.jsonValue(),
            },
            { requiredKeys: [] },
          ),
        ),
        (json) => {
          try {
            const value = message.fromJson(json);
            expect(typeof value.text).toBe("string");
            // What was read can be written, and reads the same again.
            expect(message.fromJson(message.toJson(value))).toEqual(value);
          } catch (reason) {
            if (!MicroError.is(reason) || reason.code !== "invalid_argument") throw reason;
          }
        },
      ),
    );
  });

  it("reads what a form or a query sends as text", () => {
    const schema = z.object({ count: z.int(), ratio: z.number(), on: z.boolean(), name: z.string() });
    const message = createSchemaMessage(schema, "Request", "input");
    const values = fc.record({
      count: fc.integer(),
      ratio: fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => (each === 0 ? 0 : each)),
      on: fc.boolean(),
      name: fc.string(),
    });
    fc.assert(
      fc.property(values, (value) => {
        const texts = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, String(each)]));
        expect(message.fromJson(texts)).toEqual(value);
      }),
    );
  });
});

describe("createSchemaMessage().toJson()", () => {
  it("drops fields that the schema does not name", () => {
    const message = createSchemaMessage(z.object({ name: z.string() }), "Response", "output");
    const user = { name: "Jane", secret: "x" };
    expect(message.toJson(user)).toEqual({ name: "Jane" });
  });

  it("says which field of an answer is wrong, as an error of the service", () => {
    const message = createSchemaMessage(z.object({ name: z.string() }), "HelloResponse", "output");
    const wrong: unknown = { name: 3 };
    expect(() => message.toJson(wrong as { name: string })).toThrow(
      "HelloResponse does not match its schema: name: expected string, got number",
    );
  });

  it("transforms an answer, and leaves a request to the service that will read it", () => {
    const schema = z.object({ text: z.string().transform((text) => text.length) });
    const given: unknown = { text: "four" };
    const output = createSchemaMessage(schema, "Response", "output").toJson(given as { text: number });
    const input = createSchemaMessage(schema, "Request", "input").toJson(given as { text: number });
    expect([output, input]).toEqual([{ text: 4 }, { text: "four" }]);
  });

  it("writes what JSON has no form for as text", () => {
    const schema = z.object({
      big: z.bigint(),
      at: z.date(),
      bytes: z.instanceof(Uint8Array),
      set: z.set(z.int()),
      map: z.map(z.string(), z.bigint()),
      any: z.unknown(),
    });
    const json = createSchemaMessage(schema, "Response", "output").toJson({
      big: 2n ** 60n,
      at: new Date(0),
      bytes: new Uint8Array([1, 2, 3]),
      set: new Set([1]),
      map: new Map([["a", 1n]]),
      any: { undefined: undefined, nested: [new Date(0)] },
    });
    expect(JSON.parse(JSON.stringify(json))).toEqual({
      big: "1152921504606846976",
      at: "1970-01-01T00:00:00.000Z",
      bytes: "AQID",
      set: [1],
      map: { a: "1" },
      any: { nested: ["1970-01-01T00:00:00.000Z"] },
    });
  });
});
