import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { readCookieToken } from "./cookie-token.ts";

describe("readCookieToken()", () => {
  it("finds the token among others, quoted or with its name twice, and nothing that only ends like it", () => {
    expect(readCookieToken("a=1; micro-token=t.o.k; b=2")).toBe("t.o.k");
    expect(readCookieToken('micro-token="t"')).toBe("t");
    expect(readCookieToken("micro-token=micro-token=t")).toBe("t");
    expect(readCookieToken("my-micro-token=t")).toBeUndefined();
    expect(readCookieToken("micro-token=")).toBeUndefined();
    expect(readCookieToken(undefined)).toBeUndefined();
  });

  it("finds any token beside any other cookies, and reads anything", () => {
    const word = fc.stringMatching(/^[A-Za-z0-9._-]{1,30}$/);
    const others = fc.array(fc.tuple(word, word), { maxLength: 5 });
    fc.assert(
      fc.property(others, others, word, (before, after, token) => {
        fc.pre([...before, ...after].every(([name]) => name !== "micro-token"));
        const cookies = [...before, ["micro-token", token], ...after].map((pair) => pair.join("="));
        expect(readCookieToken(cookies.join("; "))).toBe(token);
      }),
    );
    const piece = fc.constantFrom("micro-token=", "micro-token", '"', ";", "=", " ", "x");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const token = readCookieToken(pieces.join(""));
        if (token !== undefined) expect(token).not.toBe("");
      }),
    );
  });
});
