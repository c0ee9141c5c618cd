import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import type { Value } from "#interface/registry.ts";
import { parseParameters } from "./parameters.ts";
import { parametersToJson } from "./parameters-to-json.ts";

const scalar = (name: string, type: string): Value => ({ name, type, values: [] });
const message: Value = {
  name: "Request",
  type: "Request",
  values: [
    scalar("name", "string"),
    scalar("age", "int32"),
    scalar("big", "int64"),
    scalar("ratio", "float64"),
    scalar("is_on", "bool"),
    scalar("tags", "[]string"),
    scalar("counts", "[]int32"),
    scalar("data", "[]uint8"),
    scalar("labels", "map[string]string"),
    { name: "inner", type: "Inner", values: [scalar("zip", "string"), scalar("floor", "int32")] },
    { name: "items", type: "[]Item", values: [] },
  ],
};

function read(query: string, type?: Value): unknown {
  return JSON.parse(JSON.stringify(parametersToJson(parseParameters(query, "query"), type)));
}

describe("parametersToJson() with a schema", () => {
  for (const [query, expected] of [
    ["name=123&age=7", { name: "123", age: 7 }],
    ["name=true", { name: "true" }],
    ["name=", { name: "" }],
    ["name", { name: "" }],
    ["age=seven", { age: "seven" }],
    ["big=9007199254740993", { big: "9007199254740993" }],
    ["ratio=0.5", { ratio: 0.5 }],
    ["is_on", { is_on: true }],
    ["isOn=false", { isOn: false }],
    ["is_on=1", { is_on: true }],
    ["tags=1", { tags: ["1"] }],
    ["tags=1&tags=2", { tags: ["1", "2"] }],
    ["tags[]=a&tags[]=b", { tags: ["a", "b"] }],
    ["tags[1]=b&tags[0]=a", { tags: ["a", "b"] }],
    ["tags=%5B%22x%22%5D", { tags: ["x"] }],
    ["counts=1&counts=2", { counts: [1, 2] }],
    ["data=AAEC", { data: "AAEC" }],
    ["labels[a]=1&labels.b=2", { labels: { a: "1", b: "2" } }],
    ["inner.zip=012&inner[floor]=3", { inner: { zip: "012", floor: 3 } }],
    ["inner=%7B%22zip%22:%221%22%7D", { inner: { zip: "1" } }],
    ["items[0][id]=x&items[1][id]=y", { items: [{ id: "x" }, { id: "y" }] }],
    ["name=a&name=b", { name: "b" }],
    ["name=J%C3%B6rg+K", { name: "Jörg K" }],
  ] as const) {
    it(`reads ${query}`, () => expect(read(query, message)).toEqual(expected));
  }
});

describe("parametersToJson() without a schema", () => {
  for (const [query, expected] of [
    ["a=1&b=true&c=null&d=text", { a: 1, b: true, c: null, d: "text" }],
    ["zip=01234&id=9007199254740993&x=1e999", { zip: "01234", id: "9007199254740993", x: "1e999" }],
    ["a[]=1&a[]=2", { a: [1, 2] }],
    ["a[b][c]=1&a[b].d=2", { a: { b: { c: 1, d: 2 } } }],
    ['a={"x":1}&b=[1]&c="q"', { a: { x: 1 }, b: [1], c: "q" }],
    ["a={oops}", { a: "{oops}" }],
    ["a", { a: true }],
    ["", {}],
    ["&&", {}],
  ] as const) {
    it(`reads ${query}`, () => expect(read(query)).toEqual(expected));
  }

  it("takes dangerous names for plain ones", () => {
    const json = parametersToJson(
      parseParameters("__proto__[admin]=true&constructor.prototype.x=1", "query"),
      undefined,
    );
    expect(Object.keys(json)).toEqual(["__proto__", "constructor"]);
    expect(({} as Record<string, unknown>)["admin"]).toBeUndefined();
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });
});

describe("parseParameters()", () => {
  for (const query of ["=1", "[a]=1", ".a=1", "a[b=1", "a]=1", "a[]b=1", "a..b=1", "a[[b]]=1", "%zz=1", "a=%"]) {
    it(`refuses ${query}`, () => expect(() => parseParameters(query, "query")).toThrow(/query/));
  }

  it("refuses too many and too deep ones", () => {
    expect(() => parseParameters("a&".repeat(1_001), "form")).toThrow("more than 1000 parameters");
    expect(() => parseParameters(`a${"[b]".repeat(300)}=1`, "query")).toThrow(MicroError);
  });

  it("reads anything or refuses it as the caller's mistake", () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[a-c[\]=&.%0-9{}"]*$/), fc.webQueryParameters());
    fc.assert(
      fc.property(text, fc.boolean(), (query, isTyped) => {
        try {
          expect(typeof read(query, isTyped ? message : undefined)).toBe("object");
        } catch (reason) {
          expect(MicroError.is(reason) && reason.code).toBe("invalid_argument");
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("brings back every text value that was encoded", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const query = new URLSearchParams({ name: value }).toString();
        expect(read(query, message)).toEqual({ name: value });
      }),
    );
  });
});
