import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { globalFlags } from "#cli/arguments/flag-spec.ts";
import { MicroError } from "#base/error.ts";
import { buildRequest, type BuiltRequest } from "./build-request.ts";
import { listFlags } from "./resolve-field.ts";
import type { SchemaValue } from "./service-entry.ts";

const field = (name: string, type: string, values: readonly SchemaValue[] = []): SchemaValue => ({
  name,
  type,
  values,
});

const message = field("Request", "Request", [
  field("name", "string"),
  field("firstName", "string"),
  field("count", "int64"),
  field("small", "uint32"),
  field("ratio", "float64"),
  field("loud", "bool"),
  field("tags", "[]string"),
  field("numbers", "[]int32"),
  field("items", "[]Item", [field("id", "string")]),
  field("labels", "map[string]string"),
  field("body", "[]uint8"),
  field("color", "Color"),
  field("extra", "any"),
  field("options", "Options", [
    field("domain", "string"),
    field("page_size", "int32"),
    field("deep", "Deep", [field("x_y", "bool")]),
  ]),
]);

const build = (...line: string[]): BuiltRequest =>
  buildRequest(line, message, { otherFlags: globalFlags, isOpen: false });

describe("buildRequest()", () => {
  it.each([
    [["--name=Jane"], { name: "Jane" }],
    [["--name", "Jane", "--loud"], { name: "Jane", loud: true }],
    [["--loud", "--name=x"], { name: "x", loud: true }],
    [["--loud=false"], { loud: false }],
    [["--loud", "false"], { loud: false }],
    [["--name=http://h/?a=b&c=d"], { name: "http://h/?a=b&c=d" }],
    [["--count=-5"], { count: -5 }],
    [["--count", "-5"], { count: -5 }],
    [["--count=9007199254740993"], { count: "9007199254740993" }],
    [["--small=7", "--ratio=1.5"], { small: 7, ratio: 1.5 }],
    [["--tags=a,b"], { tags: ["a", "b"] }],
    [["--tags=a,b", "--tags=c"], { tags: ["a,b", "c"] }],
    [['--tags=["a,b"]'], { tags: ["a,b"] }],
    [["--numbers=1,2", "--tags="], { numbers: [1, 2], tags: [] }],
    [['--items={"id":"1"}', '--items={"id":"2"}'], { items: [{ id: "1" }, { id: "2" }] }],
    [['--items=[{"id":"1"}]'], { items: [{ id: "1" }] }],
    [['--labels={"a":"b"}'], { labels: { a: "b" } }],
    [["--labels=a=b,c=d=e"], { labels: { a: "b", c: "d=e" } }],
    [["--labels.my-key=v"], { labels: { "my-key": "v" } }],
    [["--body=hi"], { body: "aGk=" }],
    [["--color=RED"], { color: "RED" }],
    [["--extra=5"], { extra: 5 }],
    [["--extra.a.b=true"], { extra: { a: { b: true } } }],
    [["--options.domain=x", "--options_page_size=3"], { options: { domain: "x", page_size: 3 } }],
    [["--options-page-size=3", "--options-deep-x-y"], { options: { page_size: 3, deep: { x_y: true } } }],
    [['--options={"domain":"x"}', "--options.page_size=2"], { options: { domain: "x", page_size: 2 } }],
    [["--first-name=A"], { firstName: "A" }],
    [['--json={"name":"a","count":1}', "--name=b"], { name: "b", count: 1 }],
  ])("reads %j", (line, body) => {
    expect(build(...line).body).toEqual(body);
  });

  it.each([
    [["--nope=1"], "Unknown flag: nope"],
    [["--count=abc"], 'Invalid value "abc" for --count: it is of type int64, a whole number'],
    [["--small=-1"], "a whole number from 0 on"],
    [["--ratio="], "of type float64, a number"],
    [["--loud=maybe"], "it is true or false"],
    [["--name"], "Flag needs an argument: -name"],
    [["--name", "--loud"], "Flag needs an argument: -name"],
    [["--json={"], "--json is not JSON"],
    [["--labels=x"], "a JSON object, or KEY=VALUE"],
  ])("refuses %j", (line, text) => {
    expect(() => build(...line)).toThrow(text);
  });

  it("leaves global flags and words to others", () => {
    const built = build("call", "--namespace", "foo", "-o=json", "-");
    expect(built.body).toBeUndefined();
    expect(built.words).toEqual(["call", "-"]);
    expect(built.others.get("namespace")).toEqual(["foo"]);
    expect(built.others.get("output")).toEqual(["json"]);
  });

  it("lets any field through where the schema says nothing", () => {
    const empty = field("Context", "Context");
    const built = buildRequest(["--count=3", "--a.b=x"], empty, { otherFlags: globalFlags, isOpen: true });
    expect(built.body).toEqual({ count: 3, a: { b: "x" } });
  });

  it("carries any text unchanged into a string field", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(build(`--name=${text}`).body).toEqual({ name: text });
        expect(build(`--options.domain=${text}`).body).toEqual({ options: { domain: text } });
      }),
    );
  });

  it("answers any line with a request or a MicroError, and touches no prototype", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("--labels.__proto__=x", "--loud", "--count", "-e", "--items=[", "--", "--extra.__proto__.a=1"),
    );
    fc.assert(
      fc.property(fc.array(word), (line) => {
        try {
          build(...line);
        } catch (reason) {
          expect(MicroError.is(reason)).toBe(true);
        }
        expect(Object.hasOwn(Object.prototype, "a")).toBe(false);
      }),
    );
  });
});

describe("listFlags()", () => {
  it("names every field by a flag that finds it", () => {
    for (const { name, type } of listFlags(message)) {
      const text = type.startsWith("[]") ? "[]" : type.startsWith("map") ? "{}" : type === "string" ? "x" : "1";
      expect(build(`--${name}=${text}`).body).toBeDefined();
    }
    expect(listFlags(message).at(-1)).toEqual({ name: "options.deep.x_y", type: "bool" });
  });
});
