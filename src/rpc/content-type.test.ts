import { describe, expect, it } from "bun:test";
import * as fc from "fast-check";
import { isGrpc, parseContentType } from "./content-type.ts";

describe("parseContentType()", () => {
  it("knows what each protocol sends", () => {
    expect(parseContentType("application/json")).toMatchObject({ protocol: "unary", encoding: "json" });
    expect(parseContentType("application/x-protobuf")).toMatchObject({ protocol: "unary", encoding: "proto" });
    expect(parseContentType("application/connect+proto")).toMatchObject({
      protocol: "connect_stream",
      encoding: "proto",
    });
    expect(parseContentType("application/grpc")).toMatchObject({ protocol: "grpc", encoding: "proto" });
    expect(parseContentType("application/grpc+json")).toMatchObject({ protocol: "grpc", encoding: "json" });
  });

  it("leaves parameters and case aside", () => {
    expect(parseContentType("Application/JSON; charset=utf-8")?.headers).toEqual({
      "content-type": "application/json",
    });
  });

  it("is undefined for anything else, and never throws", () => {
    for (const text of ["", "text/plain", "application/grpc+bytes", "application/jsonx", ";"]) {
      expect(parseContentType(text)).toBeUndefined();
    }
    fc.assert(fc.property(fc.string(), (text) => parseContentType(text) === undefined));
  });
});

describe("isGrpc()", () => {
  it("is true for every subtype and for nothing that only begins alike", () => {
    for (const text of ["application/grpc", "application/grpc+bytes", "application/grpc;x=y"])
      expect(isGrpc(text)).toBe(true);
    for (const text of ["application/grpc-web", "application/json", ""]) expect(isGrpc(text)).toBe(false);
  });
});
