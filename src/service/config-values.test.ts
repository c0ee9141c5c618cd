import { describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import { parseValue, readers, requireUnmasked } from "./config-values.ts";
import { toJsonText } from "./to-json-text.ts";

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (reason) {
    return MicroError.from(reason).detail;
  }
  throw new Error("expected a refusal");
}

describe("readers", () => {
  it.each([
    ["string", '"text"', "text"],
    ["string", "12345678901234567890", "12345678901234567890"],
    ["string", "true", "true"],
    ["int", "8080", 8080],
    ["int", '"8080"', 8080],
    ["int", '"-3"', -3],
    ["int", "1e3", 1000],
    ["float", "1.50", 1.5],
    ["float", '"0.25"', 0.25],
    ["float", "3", 3],
    ["bool", "true", true],
    ["bool", '"False"', false],
    ["bool", "1", true],
    ["bool", '"0"', false],
    ["duration", '"1m30s"', 90_000],
    ["list", '["a",1,true]', ["a", "1", "true"]],
    ["list", '"a, b"', ["a", "b"]],
    ["list", '""', []],
    ["list", "[]", []],
    ["object", '{"a":{"b":1}}', { a: { b: 1 } }],
  ] as const)("%s reads %s", (kind, json, value) => {
    expect<unknown>(readers[kind]("a", json)).toEqual(value);
  });

  it.each([
    ["string", '{"a":1}', "is an object, expected text"],
    ["string", "[]", "is a list, expected text"],
    ["int", "1.5", "is another number, expected a whole number below 2^53"],
    ["int", "12345678901234567890", "is another number, expected a whole number below 2^53"],
    ["int", '""', "is some other text, expected a whole number below 2^53"],
    ["int", '"0x10"', "is some other text, expected a whole number below 2^53"],
    ["int", "true", "is a boolean, expected a whole number below 2^53"],
    ["float", '"Infinity"', "is some other text, expected a number"],
    ["float", "1e400", "is another number, expected a number"],
    ["bool", '"yes"', "is some other text, expected true or false"],
    ["duration", "30", "is another number, expected a duration like 500ms, 30s or 1h30m"],
    ["duration", '"soon"', "is some other text, expected a duration like 500ms, 30s or 1h30m"],
    ["list", '[{"a":1}]', "is a list, expected a list of texts"],
    ["object", "[1]", "is a list, expected an object"],
  ] as const)("%s refuses %s", (kind, json, problem) => {
    expect(refusal(() => readers[kind]("a.b", json))).toBe(`config "a.b" ${problem}`);
  });
});

describe("parseValue()", () => {
  it("gives nothing for null", () => {
    expect([parseValue(undefined), parseValue("null"), parseValue("0")]).toEqual([undefined, undefined, 0]);
  });
});

describe("toJsonText()", () => {
  it("refuses what JSON cannot say", () => {
    expect(refusal(() => toJsonText(undefined))).toBe("the value is undefined, which JSON cannot say");
    expect(refusal(() => toJsonText(() => 1))).toBe("the value is function, which JSON cannot say");
    expect(refusal(() => toJsonText(1n))).toStartWith("the value cannot be written as JSON: ");
  });
});

describe("requireUnmasked()", () => {
  it("names the reader that shows a secret", () => {
    expect(refusal(() => requireUnmasked("a.key", '"[secret]"'))).toBe(
      'config "a.key" is a secret: read it with secret()',
    );
  });
});
