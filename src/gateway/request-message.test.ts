import { describe, expect, it } from "bun:test";
import { toBodyKind, toRequestMessage, type RequestParts } from "./request-message.ts";

const utf8 = new TextEncoder();

function message(parts: Partial<Omit<RequestParts, "body">> & { readonly body?: string }): string {
  const { body = "", ...rest } = parts;
  const given = { method: "POST", contentType: "application/json", query: "", type: undefined, ...rest };
  const { encoding, bytes } = toRequestMessage({ ...given, body: utf8.encode(body) });
  return `${encoding} ${new TextDecoder().decode(bytes)}`;
}

describe("toRequestMessage()", () => {
  it("passes JSON on unread", () => {
    expect(message({ body: `{ "a" : 1.0,` })).toBe(`json { "a" : 1.0,`);
  });

  it("takes no body for the empty message", () => {
    expect(message({})).toBe("json {}");
    expect(message({ method: "GET" })).toBe("json {}");
  });

  it("joins query and body, and the body wins", () => {
    expect(message({ query: "a=1&b.c=2", body: `{"a":9,"b":{"d":3}}` })).toBe(`json {"a":9,"b":{"c":2,"d":3}}`);
  });

  it("reads the query of GET and leaves its body aside", () => {
    expect(message({ method: "GET", query: "a=1", contentType: "application/proto", body: "x" })).toBe(`json {"a":1}`);
  });

  it("reads forms, joined with the query", () => {
    const contentType = "application/x-www-form-urlencoded; charset=utf-8";
    expect(message({ contentType, query: "a=1&b=2", body: "b=3&c=x+y" })).toBe(`json {"a":1,"b":3,"c":"x y"}`);
  });

  it("takes a form that begins with a brace for the JSON that it is", () => {
    expect(message({ contentType: "application/x-www-form-urlencoded", body: ` {"a":1}` })).toBe(`json {"a":1}`);
  });

  it("passes protobuf on as it is", () => {
    for (const contentType of ["application/proto", "application/x-protobuf", "application/grpc+proto"]) {
      expect(message({ contentType, body: "\u0001" })).toBe("proto \u0001");
    }
  });

  it("keeps a key called __proto__ a key", () => {
    expect(message({ query: "a=1", body: `{"__proto__":{"admin":true}}` })).toBe(
      `json {"a":1,"__proto__":{"admin":true}}`,
    );
  });

  it("takes nested JSON, up to a limit", () => {
    const nested = (depth: number): string => `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    expect(message({ query: "b=1", body: nested(100) })).toContain("[[[[");
    for (const depth of [1_000, 100_000]) {
      const refused = expect.objectContaining({ code: "invalid_argument" });
      expect(() => message({ query: "b=1", body: nested(depth) })).toThrow(refused);
      expect(() => message({ query: `b=${"[".repeat(depth)}${"]".repeat(depth)}` })).toThrow(refused);
    }
  });

  for (const [what, parts] of [
    ["JSON that is none", { query: "a=1", body: "{" }],
    ["text that is not UTF-8", { query: "a=1", body: "\ud800{" }],
    ["a list beside a query", { query: "a=1", body: "[1]" }],
    ["protobuf beside a query", { query: "a=1", contentType: "application/proto" }],
    ["JSON that never closes", { query: "a=1", body: `{"a":${"[".repeat(100_000)}` }],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => message(parts)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    });
  }
});

describe("toBodyKind()", () => {
  it("names what it would take when it refuses", () => {
    for (const contentType of ["multipart/form-data; boundary=x", "text/html", "image/png", ";"]) {
      expect(() => toBodyKind(contentType)).toThrow(/send application\/json/);
    }
  });
});
