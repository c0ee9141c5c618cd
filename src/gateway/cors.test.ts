import { describe, expect, it } from "bun:test";
import { readCookieToken } from "./cookie-token.ts";
import { corsHeaders, mayUseCookie } from "./cors.ts";

const trusted = { trustedOrigins: ["https://app.example"] };
const may = (headers: Record<string, string>) => mayUseCookie((name) => headers[name], trusted);

describe("corsHeaders()", () => {
  it("never lets an origin that is not trusted send cookies", () => {
    const headers = corsHeaders("https://evil.example", trusted);
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(headers["access-control-allow-credentials"]).toBeUndefined();
  });

  it("names a trusted origin, and says that the answer is for it alone", () => {
    expect(corsHeaders("https://app.example", trusted)).toMatchObject({
      "access-control-allow-origin": "https://app.example",
      "access-control-allow-credentials": "true",
      vary: "origin",
    });
  });
});

describe("mayUseCookie()", () => {
  it("says yes to programs, to pages of this host and to trusted ones", () => {
    expect(may({})).toBe(true);
    expect(may({ "sec-fetch-site": "same-origin" })).toBe(true);
    expect(may({ origin: "http://localhost:8080", host: "localhost:8080" })).toBe(true);
    expect(may({ origin: "https://app.example", "sec-fetch-site": "cross-site", host: "api.example" })).toBe(true);
  });

  it("says no to everybody else", () => {
    expect(may({ origin: "https://evil.example", host: "localhost:8080" })).toBe(false);
    expect(may({ origin: "null", host: "null" })).toBe(false);
    expect(may({ origin: "https://app.example.evil", host: "x" })).toBe(false);
    expect(may({ "sec-fetch-site": "cross-site" })).toBe(false);
    expect(may({ "sec-fetch-site": "same-site" })).toBe(false);
  });
});

describe("readCookieToken()", () => {
  for (const [cookies, token] of [
    ["micro-token=abc", "abc"],
    ["a=1; micro-token=micro-token=abc; b=2", "abc"],
    ['micro-token="abc"', "abc"],
    ["xmicro-token=abc", undefined],
    ["micro-token=", undefined],
    ["micro-token=; micro-token=abc", "abc"],
    [undefined, undefined],
  ] as const) {
    it(`reads ${cookies}`, () => expect(readCookieToken(cookies)).toBe(token));
  }
});
