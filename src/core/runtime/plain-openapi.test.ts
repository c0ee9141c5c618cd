import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { readOpenApi, type PlainOperation } from "./plain-openapi.ts";
import { toPlainRequest } from "./plain-request.ts";

function documentOf(paths: object, more: object = {}): object {
  return { openapi: "3.0.3", paths, ...more };
}

function only(paths: object, more: object = {}): PlainOperation {
  const [first] = readOpenApi(documentOf(paths, more), "Shop") ?? [];
  if (first === undefined) throw new Error("there is no operation");
  return first;
}

function sent(operation: PlainOperation, message: Record<string, unknown>): string {
  const { method, path, headers, body } = toPlainRequest(operation, message);
  return [method, path, JSON.stringify(headers), new TextDecoder().decode(body)].join(" ").trim();
}

describe("readOpenApi()", () => {
  it("names endpoints by operationId, else by method and path, the first of one name", () => {
    const paths = { "/a": { get: { operationId: "list-a" }, post: {} }, "/b/{id}": { get: { operationId: "listA" } } };
    const names = readOpenApi(documentOf(paths), "Shop")?.map(({ endpoint, path }) => `${endpoint} ${path}`);
    expect(names).toEqual(["Shop.ListA /a", "Shop.PostA /a"]);
  });

  it("follows references, joins allOf, and ends at a schema that holds itself", () => {
    const schemas = {
      Base: { type: "object", properties: { id: { type: "integer", format: "int32" } } },
      Node: {
        allOf: [{ $ref: "#/components/schemas/Base" }, { properties: { next: { $ref: "#/components/schemas/Node" } } }],
      },
    };
    const content = { "application/json": { schema: { $ref: "#/components/schemas/Node" } } };
    const operation = only({ "/n": { post: { requestBody: { content } } } }, { components: { schemas } });
    expect(operation.request.values.map(({ name, type }) => `${name} ${type}`)).toEqual(["id int32", "next Next"]);
  });

  it("is undefined for what is no OpenAPI 3, and never fails on anything", () => {
    for (const value of [undefined, [], { swagger: "2.0", paths: {} }, { openapi: "3.1.0" }]) {
      expect(readOpenApi(value, "Shop")).toBeUndefined();
    }
    const keys = fc.constantFrom(
      "get",
      "parameters",
      "requestBody",
      "content",
      "schema",
      "$ref",
      "allOf",
      "type",
      "in",
      "name",
    );
    const part = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.dictionary(keys, tie("any"), { maxKeys: 3 }),
        fc.array(tie("any"), { maxLength: 2 }),
      ),
    })).any;
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom("/a", "/b/{c}"), part), (paths) => {
        for (const operation of readOpenApi(documentOf(paths), "Shop") ?? []) {
          try {
            toPlainRequest(operation, { c: "1", body: {} });
          } catch (reason) {
            expect(reason).toBeInstanceOf(MicroError);
          }
        }
      }),
    );
  });
});

describe("toPlainRequest()", () => {
  const parameters = [
    { name: "id", in: "path", required: true, schema: { type: "string" } },
    { name: "tag", in: "query", schema: { type: "array" } },
  ];

  it("puts each field where it belongs, encoded", () => {
    const operation = only({ "/o/{id}": { get: { parameters } } });
    expect(sent(operation, { id: "a/b c", tag: ["x&y", 2] })).toBe("GET /o/a%2Fb%20c?tag=x%26y&tag=2 {}");
  });

  it("never leaves its path, whatever a field holds", () => {
    const operation = only({ "/o/{id}/end": { get: { parameters } } });
    fc.assert(
      fc.property(fc.string(), (id) => {
        try {
          const { path } = toPlainRequest(operation, { id });
          expect(new URL(path, "http://x").pathname).toMatch(/^\/o\/[^/]+\/end$/);
        } catch (reason) {
          expect(MicroError.from(reason).code).toBe("invalid_argument");
        }
      }),
    );
  });

  it("writes bodies as JSON or as a form, whole where they are no object", () => {
    const withBody = (type: string, schema: object): PlainOperation =>
      only({ "/o": { post: { requestBody: { required: true, content: { [type]: { schema } } } } } });
    const fields = { type: "object", properties: { a: { type: "integer" }, b: { type: "string" } } };
    expect(sent(withBody("application/json", fields), { a: 1, b: "c" })).toEndWith('{"a":1,"b":"c"}');
    expect(sent(withBody("application/x-www-form-urlencoded", fields), { a: 1, b: "c d" })).toEndWith("a=1&b=c+d");
    expect(sent(withBody("application/json", { type: "array" }), { body: [1, 2] })).toEndWith("[1,2]");
    expect(() => sent(withBody("application/json", { type: "array" }), {})).toThrow("body: it is missing");
  });
});
