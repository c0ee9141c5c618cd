import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { createFamily, createRefreshSecret, formatRefreshToken, parseRefreshToken } from "./refresh-token.ts";

describe("parseRefreshToken()", () => {
  it("gives back what formatRefreshToken() wrote", () => {
    const token = { accountId: "jane@example.org", family: createFamily(), secret: createRefreshSecret() };
    expect(parseRefreshToken(formatRefreshToken(token))).toEqual(token);
  });

  it("refuses account ids that could leave their place in the store", () => {
    const rest = { family: createFamily(), secret: createRefreshSecret() };
    for (const accountId of ["", "a/b", "..", "../jane", "jane/", "a\0b"]) {
      expect(parseRefreshToken(formatRefreshToken({ ...rest, accountId }))).toBeUndefined();
    }
  });

  it("gives undefined for any other text", () => {
    fc.assert(fc.property(fc.string(), (text) => expect(parseRefreshToken(text)).toBeUndefined()));
    expect(parseRefreshToken("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln")).toBeUndefined();
  });
});
