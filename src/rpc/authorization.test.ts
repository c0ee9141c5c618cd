import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { readToken } from "./authorization.ts";

const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

describe("readToken()", () => {
  it("takes Bearer, and Basic with the token as password, in any case", () => {
    expect(readToken("Bearer a.b.c", "x")).toBe("a.b.c");
    expect(readToken("bearer  a.b.c ", "x")).toBe("a.b.c");
    expect(readToken(basic("jane:a:b"), "x")).toBe("a:b");
    expect(readToken(basic("alone"), "x")).toBe("alone");
    expect(readToken(undefined, "x")).toBeUndefined();
    expect(readToken("", "x")).toBeUndefined();
  });

  it("gives back any token, and refuses anything else as the caller's mistake", () => {
    const token = fc.stringMatching(/^[!-~]{1,40}$/);
    fc.assert(fc.property(token, (text) => expect(readToken(`Bearer ${text}`, "x")).toBe(text)));
    fc.assert(fc.property(token, (text) => expect(readToken(basic(`jane:${text}`), "x")).toBe(text)));
    fc.assert(
      fc.property(fc.string(), (header) => {
        try {
          readToken(header, "x");
        } catch (reason) {
          expect(reason).toBeInstanceOf(MicroError);
          expect((reason as MicroError).code).toBe("unauthenticated");
        }
      }),
    );
  });
});
