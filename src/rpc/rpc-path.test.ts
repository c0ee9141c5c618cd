import { describe, expect, it } from "bun:test";
import * as fc from "fast-check";
import { formatRpcPath, parseRpcPath } from "./rpc-path.ts";

const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,10}$/);
const service = fc.array(word, { maxLength: 3 }).map((words) => words.join("."));

describe("parseRpcPath()", () => {
  it("takes the service from before the last dot", () => {
    expect(parseRpcPath("/v1.foo.Foo/Bar")).toEqual({ service: "v1.foo", endpoint: "Foo.Bar" });
    expect(parseRpcPath("/helloworld.Foo/Bar")).toEqual({ service: "helloworld", endpoint: "Foo.Bar" });
    expect(parseRpcPath("/Foo/Bar")).toEqual({ service: "", endpoint: "Foo.Bar" });
  });

  it("refuses every other form", () => {
    for (const path of ["", "/", "//", "/a", "/a/", "//a", "/a/b/", "/a/b/c", "a.B/C", "/.Foo/Bar", "/a./Bar", "*"]) {
      expect(parseRpcPath(path)).toBeUndefined();
    }
  });

  it("reads what formatRpcPath() writes", () => {
    fc.assert(
      fc.property(service, word, word, (name, type, method) => {
        const endpoint = `${type}.${method}`;
        expect(parseRpcPath(formatRpcPath(name, endpoint))).toEqual({ service: name, endpoint });
      }),
    );
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseRpcPath(text);
        parseRpcPath(`/${text}`);
      }),
    );
  });
});

describe("formatRpcPath()", () => {
  it("leaves a path as it is", () => {
    expect(formatRpcPath("ignored", "/x.Y/Z")).toBe("/x.Y/Z");
  });

  it("refuses an endpoint that is not Type.Method", () => {
    for (const endpoint of ["", "bogus", "a.b.c", ".b", "a.", "a/b.c"]) {
      expect(() => formatRpcPath("s", endpoint)).toThrow(`malformed method name: "${endpoint}"`);
    }
  });
});
